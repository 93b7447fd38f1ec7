/* proxy.h - the head of a connection that a load balancer passes on: PROXY
 * protocol, version 2
 *
 *   12 bytes  \r\n\r\n\0\r\nQUIT\n
 *    1 byte   0x20: LOCAL, the balancer's own connection (a health check)
 *             0x21: PROXY, a client's
 *    1 byte   0x11: TCP over IPv4, 0x21: over IPv6, 0x31: a unix socket,
 *             0x00: unspecified
 *    2 bytes  length of the rest, big-endian
 *   12 bytes  IPv4: source, destination, source port, destination port
 *   36 bytes  IPv6: the same
 *   the rest  more about it (TLVs); skipped
 *
 * Only who is known to be a balancer may be asked for it, and must then send
 * it: whether there is one is not guessed. A machine: bytes in, no I/O.
 *
 * Differs  UDP, and families that are not defined, are refused; version 1,
 *          the line of text, too.
 *
 * Source  https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt,
 *         section 2.2
 * Test    tests/proxy_test.c
 */
#ifndef QUAIL_LIB_PROXY_H
#define QUAIL_LIB_PROXY_H

#include "lib/endpoint.h"

enum { PROXY_HEAD = 16, PROXY_ADDRESSES = 36 };

enum proxy_result {
	PROXY_MORE,
	PROXY_DONE, /* the next byte is the client's */
	PROXY_BAD   /* not a header that we take; stays so */
};

struct proxy {
	uint8_t bytes[PROXY_HEAD + PROXY_ADDRESSES];
	size_t n_bytes; /* of these, so far */
	size_t left;	/* of the header, when its head is complete */
	bool bad;
	bool has_peer;	      /* else it is who has connected */
	struct endpoint peer; /* the client: its address and port */
};

/* proxy_wants - how many bytes may be read now, so that none of them is
 * behind the header; 0 when it is over */
size_t
proxy_wants(const struct proxy *p);

/* proxy_push - the next bytes
 *
 * Needs    *p zeroed before the first; bytes.len <= proxy_wants(p).
 * Returns  see enum proxy_result.
 */
enum proxy_result
proxy_push(struct proxy *p, struct slice bytes);

/* proxy_begins - do bytes begin as such a header does, as far as they go?
 * (At least four bytes: a client of ours never begins so.) */
bool
proxy_begins(struct slice bytes);

#endif
