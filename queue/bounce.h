/* bounce.h - telling the sender what could not be delivered
 *
 * A bounce is an RFC 3464 report whose human part is in the form that
 * qmail's readers parse (QSBMF). It goes into the queue by one record that
 * also settles the recipients it reports, so neither can be without the
 * other.
 *
 *   the message's return path   its bounce goes to          from
 *   user@host                   user@host                   <>
 *   list-@host-@[]  (VERP)      list-@host                  <>
 *   <>   (it is a bounce)       the postmaster of me        <#@[]>
 *   <#@[]>  (a double bounce)   nobody: logged and dropped  -
 *
 * Source  RFC 3464, RFC 3834; https://cr.yp.to/proto/qsbmf.txt
 * Test    tests/bounce_test.c
 */
#ifndef QUAIL_QUEUE_BOUNCE_H
#define QUAIL_QUEUE_BOUNCE_H

#include "lib/verdict.h"
#include "queue/store.h"

enum { BOUNCE_COPY_MAX = 65536 /* bytes of the message that go back */ };

/* The recipients of a message that failed and wait for their bounce. */
struct failures {
	uint32_t n;
	struct buf indices; /* uint32_t each */
	struct buf texts;   /* netstrings, a verdict's text each */
};

/* failures_add - to m->failures, which is made if need be */
void
failures_add(struct message *m, uint32_t index, const struct verdict *v);

/* failures_have - is this recipient among them already? */
bool
failures_have(const struct message *m, uint32_t index);

void
failures_free(struct message *m);

/* bounce_address - where the bounce of a message from sender goes
 *
 * Returns  true and *to, *from; false: nowhere, it is recorded and dropped.
 */
bool
bounce_address(struct slice sender, struct slice me, struct buf *to,
	       struct slice *from);

/* bounce_text - append the whole bounce
 *
 * Takes    copy: the first BOUNCE_COPY_MAX bytes of the message (all of it
 *          when copy.len == m->text_len).
 */
void
bounce_text(struct buf *out, const struct message *m,
	    const struct store_envelope *e, struct slice me, struct slice to,
	    struct slice copy, uint64_t bounce_id, int64_t now_s);

#endif
