/* trace.h - the Received line that each hop puts in front
 *
 *   Received: from leaf7 (192.0.2.7)
 *     by hub.example with QMQP id 69300001000000a1;
 *     Sat, 21 Nov 2026 20:40:11 +0000
 *
 * (folded with LF and two spaces). The helo name is what the peer said of
 * itself and is cleaned: other bytes than letters, digits, ".-_:[]" become
 * "?". Left out when empty.
 *
 * Source  RFC 5321 section 4.4; RFC 5322 section 3.3
 * Test    tests/lib_test.c
 */
#ifndef QUAIL_LIB_TRACE_H
#define QUAIL_LIB_TRACE_H

#include "lib/buf.h"
#include "lib/endpoint.h"

/* trace_received - append a Received line, with LF at its end
 *
 * Takes    now_s: seconds since 1970.
 */
void
trace_received(struct buf *out, struct slice helo, const struct endpoint *peer,
	       struct slice me, const char *proto, uint64_t id, int64_t now_s);

/* trace_date - append "Sat, 21 Nov 2026 20:40:11 +0000" (RFC 5322) */
void
trace_date(struct buf *out, int64_t now_s);

#endif
