/* peer_parts.h - what peer.c (packages and replies), peer_heard.c (what the
 * next hop has of them) and peer_clock.c (how long that takes) share; nobody
 * else's
 */
#ifndef QUAIL_QMTPD_PEER_PARTS_H
#define QUAIL_QMTPD_PEER_PARTS_H

#include "lib/owner.h"
#include "qmtpd/peer.h"

/* A package on its way. */
struct begun {
	struct link link;
	struct delivery *delivery;
	size_t n_left; /* recipients without a reply */
	uint64_t size;
	uint64_t end; /* its last byte, of all that was put; 0: not put yet */
};

#endif
