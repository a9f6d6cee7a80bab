/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: one row each for name and help (base/count_rows.c is made from the list below), one array per thread, added up
 * when somebody asks. The owner adds with plain stores; readers see every value whole.
 */
#ifndef MUSTER_COUNT_H
#define MUSTER_COUNT_H

#include "muster/hist.h"
#include "muster/slice.h"

/* X(enum, Prometheus name without prefix, help); names ending in _total count, the others are levels (gauges). */
#define MST_COUNTERS(X)                                                                            \
	X(CONN_ACCEPTED, "connections_accepted_total", "Connections accepted")                     \
	X(CONN_OPEN, "connections_open", "Connections open now")                                   \
	X(CONN_SHED, "connections_shed_total", "Connections refused by a limit")                   \
	X(CONN_LATE, "connections_late_total", "Connections closed by a deadline")                 \
	X(BYTES_IN, "bytes_received_total", "Bytes received from peers")                           \
	X(BYTES_OUT, "bytes_sent_total", "Bytes sent to peers")                                    \
	X(BUFFERS_OUT, "receive_buffers_exhausted_total", "Receives that found no buffer free")    \
	X(SQ_FULL, "submission_queue_full_total", "Submissions that found the queue full")         \
	X(CQ_OVERFLOW, "completion_queue_overflow_total", "Completion queue overflows")            \
	X(FILES_OUT, "files_exhausted_total", "Accepts that found no descriptor free")             \
	X(TLS_FULL, "tls_handshakes_full_total", "Full TLS handshakes")                            \
	X(TLS_RESUMED, "tls_handshakes_resumed_total", "Resumed TLS handshakes")                   \
	X(TLS_FAILED, "tls_handshakes_failed_total", "Failed TLS handshakes")                      \
	X(TLS_CACHE_HIT, "tls_verified_cache_hits_total", "Client certificates known as verified") \
	X(TLS_CACHE_MISS, "tls_verified_cache_misses_total", "Client certificates verified anew")  \
	X(HTTP_REQUESTS, "http_requests_total", "HTTP requests")                                   \
	X(HTTP_2XX, "http_replies_2xx_total", "HTTP replies 2xx")                                  \
	X(HTTP_4XX, "http_replies_4xx_total", "HTTP replies 4xx")                                  \
	X(HTTP_5XX, "http_replies_5xx_total", "HTTP replies 5xx")                                  \
	X(CHECKINS, "checkins_total", "Check-in messages stored")                                  \
	X(IDLES, "idles_total", "Idle polls answered")                                             \
	X(REPORTS, "reports_total", "Command reports stored")                                      \
	X(REPORTS_AGAIN, "reports_repeated_total", "Command reports that were known already")      \
	X(COMMANDS_SENT, "commands_sent_total", "Commands handed to devices")                      \
	X(COMMANDS_QUEUED, "commands_queued_total", "Commands queued by operators")                \
	X(IDENTITY_REFUSED, "identities_refused_total", "Requests refused for their identity")     \
	X(SCEP_ISSUED, "scep_certificates_total", "Certificates issued by SCEP")                   \
	X(SCEP_AGAIN, "scep_delivered_again_total", "Certificates and lists delivered by SCEP without issuing") \
	X(SCEP_REFUSED, "scep_refused_total", "SCEP messages refused")                             \
	X(SCEP_SHED, "scep_shed_total", "SCEP messages beyond a source's rate")                     \
	X(BULK_ISSUED, "bulk_identities_total", "Identities made by bulk jobs")                    \
	X(KEYPOOL_MADE, "keypool_made_total", "RSA keys made for the pool")                        \
	X(SEALED_ANEW, "sealed_anew_total", "Records sealed anew under a newer master key")        \
	X(PUSH_SENT, "push_sent_total", "Pushes sent to the push service, every try")              \
	X(PUSH_DONE, "push_accepted_total", "Pushes the service accepted")                         \
	X(PUSH_RETRIED, "push_retried_total", "Pushes to be tried again")                          \
	X(PUSH_GONE, "push_tokens_gone_total", "Tokens the service said are no longer good")       \
	X(PUSH_BAD, "push_tokens_bad_total", "Tokens the service said are not of this topic")      \
	X(PUSH_HELD, "push_held_total", "Pushes held back because the service asked for it")       \
	X(PUSH_STALE, "push_coalesced_total", "Pushes that a newer one of the same channel replaced") \
	X(PUSH_NEEDLESS, "push_needless_total", "Pushes dropped: no token, or nothing waits any more") \
	X(PUSH_IN_HAND, "push_in_hand", "Pushes between outbox and settled")                       \
	X(PUSH_LINKS, "push_links", "Connections to the push service")                             \
	X(PUSH_LINKS_LOST, "push_links_lost_total", "Connections to the push service that broke")  \
	X(PUSH_GOAWAY, "push_goaway_total", "Connections the push service sent away")              \
	X(PUSH_STOPPED, "push_topics_stopped", "Topics stopped until an operator acts")            \
	X(STORE_GROUPS, "store_groups_total", "Commit groups, each one sync")                      \
	X(STORE_BATCHES, "store_batches_total", "Batches committed")                               \
	X(STORE_FAILED, "store_batches_failed_total", "Batches that could not be written")         \
	X(STORE_COLD, "store_cold_reads_total", "Reads handed to a worker")                        \
	X(WORK_JOBS, "worker_jobs_total", "Jobs run by workers")                                   \
	X(WORK_REFUSED, "worker_jobs_refused_total", "Jobs refused by a full queue")

enum mst_counter {
#define X(id, name, help) MST_C_##id,
	MST_COUNTERS(X)
#undef X
	MST_NUM_COUNTERS
};

/* X(enum, name, help): latency histograms, seconds when printed. */
#define MST_HISTS(X)                                                                               \
	X(REQUEST, "http_request_seconds", "From the last byte of a request to its reply")         \
	X(COMMIT, "store_commit_seconds", "From posting a batch to its completion")                \
	X(HANDSHAKE, "tls_handshake_seconds", "From accept to an open TLS session")                \
	X(PUSH, "push_answer_seconds", "From sending a push to the service's answer")

enum mst_hist_id {
#define X(id, name, help) MST_H_##id,
	MST_HISTS(X)
#undef X
	MST_NUM_HISTS
};

struct mst_counts {
	uint64_t counters[MST_NUM_COUNTERS];
	struct mst_hist hists[MST_NUM_HISTS];
};

extern _Thread_local struct mst_counts *mst_counts_mine; /* of this thread; NULL before its first use */
struct mst_counts *mst_counts_new(void);

/* mst_counts_here returns the calling thread's counters, made and registered on first use; kept after the thread ends. */
static inline struct mst_counts *mst_counts_here(void)
{
	return MST_LIKELY(mst_counts_mine != NULL) ? mst_counts_mine : mst_counts_new();
}
/* mst_count adds `n` (levels may go down) for the calling thread. */
static inline void mst_count(enum mst_counter id, int64_t n)
{
	uint64_t *cell = &mst_counts_here()->counters[id];
	__atomic_store_n(cell, __atomic_load_n(cell, __ATOMIC_RELAXED) + (uint64_t)n, __ATOMIC_RELAXED);
}
void mst_count_time(enum mst_hist_id id, uint64_t ns);
/* mst_counts_sum adds up all threads into `out`. Any thread. */
void mst_counts_sum(struct mst_counts *out);
/* mst_counter_name and _help: constant strings; mst_hist_name, _help likewise. */
const char *mst_counter_name(enum mst_counter id);
const char *mst_counter_help(enum mst_counter id);
const char *mst_hist_name(enum mst_hist_id id);
const char *mst_hist_help(enum mst_hist_id id);

#endif
