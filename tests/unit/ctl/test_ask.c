/* SPDX-License-Identifier: Apache-2.0 */
/* What musterctl makes of an answer that is no success: a failure, unless it tells of each id. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"

struct server {
	int fd;
	const char *answer;
};

static void *serve(void *context)
{
	struct server *s = context;
	char request[4096];
	int fd = accept(s->fd, NULL, NULL);

	if (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0 && send(fd, s->answer, strlen(s->answer), MSG_NOSIGNAL) > 0)
		shutdown(fd, SHUT_WR);
	while (fd >= 0 && recv(fd, request, sizeof(request), 0) > 0)
		;
	close(fd);
	return NULL;
}

static const struct {
	const char *line, *body;
	bool is_fine;
	const char *says;
} rows[] = {
	{"201 Created", "{\"url\":\"x\"}", true, NULL},
	{"400 Bad Request", "{\"error\":\"no such device\"}", false, "no such device (status 400)"},
	{"500 Internal Server Error", "{\"error\":\"internal\"}", false, "internal (status 500)"},
	{"500 Internal Server Error", "{\"status\":{\"ID\":{\"command_error\":\"unknown enrollment\"}}}", true, NULL},
	{"503 Service Unavailable", "{\"status\":{\"ID\":{\"command_error\":\"the store is not available\"}}}", true, NULL},
	{"503 Service Unavailable", "{\"error\":\"busy\"}", false, "busy (status 503)"},
	{"502 Bad Gateway", "<html>", false, "status 502"},
};

Test(ask, a_refusal_is_a_failure, .timeout = 30)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct server s = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};

	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/ctl-ask-%d.sock", (int)getpid());
	unlink(at.sun_path);
	cr_assert_eq(bind(s.fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	cr_assert_eq(listen(s.fd, 1), 0);
	for (size_t i = 0; i < MST_LEN(rows); i++) {
		struct mst_ctl ctl = {.socket = at.sun_path};
		struct mst_json_value *root = NULL;
		struct mst_err e = {0};
		char text[512];
		pthread_t thread;
		int status, rc;

		snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", rows[i].line, strlen(rows[i].body),
			 rows[i].body);
		s.answer = text;
		cr_assert_eq(pthread_create(&thread, NULL, serve, &s), 0);
		mst_arena_init(&ctl.arena, NULL, 0);
		rc = mst_ctl_ask(&root, &status, &ctl, "POST", MST_S("/v1/x"), MST_S("{}"), &e);
		pthread_join(thread, NULL);
		cr_expect_eq(rc, rows[i].is_fine ? 0 : -1, "row %zu", i);
		cr_expect(!rows[i].says || strstr(e.text, rows[i].says), "row %zu: %s", i, e.text);
		mst_json_free(&root);
		mst_arena_done(&ctl.arena);
	}
	close(s.fd);
	unlink(at.sun_path);
}
