/* sessions.h - what the files of quail-sessions share; see sessions.c */
#ifndef QUAIL_TESTS_BENCH_SESSIONS_H
#define QUAIL_TESTS_BENCH_SESSIONS_H

#include "lib/buf.h"
#include "lib/tls.h"

enum { AN_ADDRESS = 100, /* connections from one address */ PATIENCE_S = 60 };

enum protocol { QMQP, QMTP, SMTP };

/* Where to, and how. */
struct wire {
	enum protocol protocol;
	bool tls;
	struct tls_pin pin;
};

extern struct wire wire;

struct client {
	struct stream s;
	size_t sent;
	char code; /* of its answer */
};

/* fail - say why, as perror does, and exit 111 */
_Noreturn void
fail(const char *what);

int64_t
now_us(void);

/* wire_protocol, wire_where - from a name, and ADDRESS:PORT; -1: it is none */
int
wire_protocol(const char *name);
int
wire_where(const char *text);

/* wire_open - connect from the i-th client's address; with TLS, shake hands,
 * by SMTP, wait for the greeting */
void
wire_open(struct stream *s, size_t i);

/* wire_begin - say what comes before a package: by SMTP, all up to DATA */
void
wire_begin(struct stream *s);

/* wire_package - one to two recipients with so much text, each time another */
void
wire_package(struct buf *b, size_t text);

/* wire_send - as much as goes without waiting, up to an offset */
void
wire_send(struct client *c, struct slice all, size_t until);

/* wire_answer - 'K', 'Z' or 'D'; '?' for none of these, 0: not there yet */
char
wire_answer(struct client *c);

/* wire_wait - until the descriptor is ready; exits 111 when that is too late */
void
wire_wait(int fd, short events, int64_t until_us);

#endif
