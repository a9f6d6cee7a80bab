/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An X.509 certificate (RFC 5280) as slices of its DER, and PEM (RFC 7468). Pure parsers; nothing is verified here.
 */
#ifndef MUSTER_CERT_H
#define MUSTER_CERT_H

#include "muster/arena.h"
#include "muster/err.h"

enum mst_sig_alg {
	MST_SIG_UNKNOWN,
	MST_SIG_RSA_SHA1,
	MST_SIG_RSA_SHA256,
	MST_SIG_RSA_SHA384,
	MST_SIG_RSA_SHA512,
	MST_SIG_ECDSA_SHA256,
	MST_SIG_ECDSA_SHA384,
	MST_SIG_ECDSA_SHA512,
	MST_NUM_SIG_ALGS
};

/* Key usage bits, RFC 5280 4.2.1.3. */
enum {
	MST_KU_SIGN = 1,
	MST_KU_NON_REPUDIATION = 2,
	MST_KU_ENCIPHER = 4,
	MST_KU_DATA = 8,
	MST_KU_AGREE = 16,
	MST_KU_CERT_SIGN = 32,
	MST_KU_CRL_SIGN = 64
};
/* Extended key usage, RFC 5280 4.2.1.12. */
enum {
	MST_EKU_SERVER = 1,
	MST_EKU_CLIENT = 2,
	MST_EKU_EMAIL = 4,
	MST_EKU_OCSP = 8,
	MST_EKU_ANY = 16,
	MST_EKU_OTHER = 32
};

#define MST_CERT_MAX 16384         /* a certificate with a large RSA key and a long list of names has 4 KiB */
#define MST_CERT_EXTENSIONS_MAX 64 /* certificates of today have about ten */

struct mst_cert {
	struct mst_slice der, tbs, serial, issuer, subject, spki; /* tbs, names and spki with tag and length */
	struct mst_slice signature;                               /* the bit string's bytes */
	struct mst_slice common_name; /* the last one of the subject, raw; empty when none */
	struct mst_slice user_id;     /* the last UID (RFC 4519 2.39) of the subject, raw; empty when none */
	struct mst_slice san;         /* contents of subjectAltName, empty when none */
	struct mst_slice key_id;      /* contents of subjectKeyIdentifier, empty when none */
	enum mst_sig_alg alg;
	int64_t not_before, not_after; /* seconds since 1970 */
	/* has_unknown_critical: also set by name and policy constraints, critical or not, which nobody here judges. */
	bool is_ca, has_path_len, has_ku, has_eku, has_unknown_critical;
	uint32_t path_len, key_usage, ext_key_usage;
};

/* mst_cert_parse reads exactly one DER certificate; slices lend `der`. Returns 0, -1 SYNTAX. */
int mst_cert_parse(struct mst_cert *out, struct mst_slice der, struct mst_err *e) MST_MUST;
/* mst_cert_name writes the common name, terminated: "" when there is none, when it is no UTF-8, holds control characters
 * or does not fit (a cut name could be another device's). */
void mst_cert_name(char *out, size_t room, const struct mst_cert *cert);
#define MST_CERT_TIME_ROOM 16
/* mst_cert_time_text: `s` as UTCTime or GeneralizedTime of RFC 5280 4.1.2.5, terminated; returns its length (13 or 15).
 * Times outside the years 0 to 9999 become the nearest within. */
size_t mst_cert_time_text(char out[static MST_CERT_TIME_ROOM], int64_t s);

/* mst_pem_next finds the next block in *text, advances *text behind it, decodes its contents into the arena. `label` lends, e.g.
 * "CERTIFICATE". Returns 1, 0 when there is no further block, -1 SYNTAX. */
int mst_pem_next(struct mst_slice *label, struct mst_slice *der, struct mst_slice *text, struct mst_arena *arena,
		 struct mst_err *e) MST_MUST;
/* mst_pem_put writes one block into the arena, terminated. */
int mst_pem_put(struct mst_slice *out, struct mst_arena *arena, const char *label, struct mst_slice der, struct mst_err *e) MST_MUST;

#endif
