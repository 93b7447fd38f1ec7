/* sink.h - a server that takes messages and throws them away; see sink.c */
#ifndef QUAIL_TESTS_BENCH_SINK_H
#define QUAIL_TESTS_BENCH_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Answers to SINK_PIECE bytes fit in half of SINK_OUT: the shortest command
 * with an answer has 5 bytes, the longest answer 24. */
enum { SINK_LINE = 2048, SINK_PIECE = 4096, SINK_OUT = 65536 };

enum sink_kind { SINK_SMTP, SINK_QMTP, SINK_QMQP };

struct sink {
	enum sink_kind kind;
	uint64_t n_taken; /* messages */
};

enum sink_netstring { SINK_HEAD, SINK_SKIP, SINK_COMMA };

struct sink_client {
	struct sink *sink;
	int fd;
	bool over; /* close when the answers are out */
	char out[SINK_OUT];
	size_t out_len;
	/* SMTP */
	char line[SINK_LINE];
	size_t line_len;
	bool in_text;
	unsigned n_rcpts;
	unsigned dot; /* how much of CR LF . CR LF has been seen */
	/* netstrings */
	enum sink_netstring net;
	uint64_t len, left; /* of the one that is being read */
	uint64_t list_left; /* QMTP: of the recipient list around it */
	unsigned n_strings; /* QMTP: text and sender seen */
};

/* sink_protocol - by its name; false: none of ours */
bool
sink_protocol(struct sink *s, const char *name);

/* sink_greet - what a new client is told, into c->out */
void
sink_greet(struct sink_client *c);

/* sink_take - the next bytes of a client, at most SINK_PIECE; answers go into
 * c->out
 *
 * Returns  false: the client makes no sense.
 */
bool
sink_take(struct sink_client *c, const char *in, size_t len);

#endif
