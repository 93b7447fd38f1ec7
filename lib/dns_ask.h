/* dns_ask.h - questions on their way to the name servers, on c-ares
 *
 * Each question has a lane for itself, a channel of c-ares that asks nothing
 * else meanwhile: so its socket is a new one, on a port that the kernel
 * chooses at random, and an answer must fit the port, the id and the case of
 * the question's letters. An answer that does not repeat the question in
 * every bit is not believed, and the question is asked again by TCP. There are
 * DNS_LANES_MAX lanes at the most; when all are in use, as with name servers
 * that say nothing, up to DNS_LANE_SHARED questions share one, and its port.
 *
 * The servers are those of resolv.conf when it was started, or those that it
 * was told.
 *
 * Source  c-ares: ares_init_options(3), ares_send(3); RFC 5452
 * Test    tests/dns_test.c
 */
#ifndef QUAIL_LIB_DNS_ASK_H
#define QUAIL_LIB_DNS_ASK_H

#include "lib/buf.h"
#include "lib/dns_answer.h"
#include "lib/list.h"
#include "lib/loop.h"

enum {
	DNS_LANES_MAX = 128, /* 75 KiB each, while they ask */
	DNS_LANES_KEPT = 8,
	DNS_LANE_SHARED = 20
};

struct dns_asks;
struct dns_asked;

struct dns_question {
	struct link waits;
	struct dns_asked *asked; /* NULL: it waits, or is not under way */
	struct dns_wire wire;
	bool by_tcp;
	bool is_unheard;  /* no server has said anything to anybody, ... */
	uint64_t n_heard; /* ... since it was asked */
	/* answer: empty when there is none; gone when it returns */
	void (*answered)(struct dns_question *q, struct slice answer);
};

/* dns_asks_open - start
 *
 * Takes    servers: ADDRESS:PORT,... or NULL for resolv.conf's.
 * Returns  NULL with a static text in *why.
 */
struct dns_asks *
dns_asks_open(struct loop *loop, const char *servers, const char **why);

/* dns_asks_close - all that is under way is told that there is no answer */
void
dns_asks_close(struct dns_asks *asks);

/* dns_ask - ask what q->wire says; q->answered may be called at once
 *
 * Needs    q all zero, but for wire and answered, and in place until then, or
 *          until dns_ask_cancel.
 */
void
dns_ask(struct dns_asks *asks, struct dns_question *q);

/* dns_ask_cancel - nothing more will be called; legal when it is over */
void
dns_ask_cancel(struct dns_question *q);

/* dns_ask_servers - append their addresses, with blanks between them */
void
dns_ask_servers(const struct dns_asks *asks, struct buf *out);

/* dns_ask_hosts - what /etc/hosts says of a name
 *
 * Takes    family: AF_INET or AF_INET6; room for max addresses of 4 or 16
 *          bytes, one behind the other.
 * Returns  how many there are; -1: it is there and for us, but beyond the reach
 *          of a sandbox that was made for another, so nobody knows.
 */
int
dns_ask_hosts(struct dns_asks *asks, const char *name, int family,
	      void *addresses, size_t max);

#endif
