/* bounce.h - telling the sender what could not be delivered
 *
 * A bounce is an RFC 3464 report whose human part is in the form that
 * qmail's readers parse (QSBMF). It goes into the queue by one record that
 * also settles the recipients it reports, so neither can be without the
 * other.
 *
 *   the message's return path   its bounce goes to               from
 *   user@host                   user@host                        <>
 *   list-@host-@[]  (VERP)      list-@host                       <>
 *   <>   (it is a bounce)       doublebounceto@doublebouncehost  <#@[]>
 *   <#@[]>  (a double bounce)   nobody: recorded and dropped     -
 *
 * Makes text only; undeliverable.h stores it.
 *
 * Source  RFC 3464, RFC 3834; https://cr.yp.to/proto/qsbmf.txt
 * Test    tests/bounce_test.c, tests/bounce.t
 */
#ifndef QUAIL_QUEUE_BOUNCE_H
#define QUAIL_QUEUE_BOUNCE_H

#include "cdb/config.h"
#include "lib/verdict.h"
#include "queue/store.h"

enum { BOUNCE_COPY_MAX = 65536 /* bytes of the message that go back */ };

/* The recipients of a message that failed and wait for their bounce. */
struct failures {
	uint32_t n;
	struct buf indices; /* uint32_t each */
	struct buf texts;   /* netstrings, a verdict's text each */
	struct buf bits;    /* one a recipient of the message */
};

/* failures_add - to m->failures, which is made if need be */
void
failures_add(struct message *m, uint32_t index, const struct verdict *v);

/* failures_have - is this recipient among them already? */
bool
failures_have(const struct message *m, uint32_t index);

/* failures_index - the i-th of them, in the order in which they were added */
uint32_t
failures_index(const struct failures *f, uint32_t i);

void
failures_free(struct message *m);

/* failures_take - take them off the message; failures_release gives back */
struct failures *
failures_take(struct message *m);

void
failures_release(struct failures *f);

/* Who speaks, from the tables bouncefrom, bouncehost, doublebounceto and
 * doublebouncehost. */
struct bounce_names {
	struct slice me;
	struct slice from, from_host; /* local part and domain */
	struct slice postmaster, postmaster_host;
};

/* bounce_names - read the tables, or say what stands for them
 *
 * Keeps    slices of the configuration.
 */
void
bounce_names(const struct config *c, struct bounce_names *names);

/* bounce_address - where the bounce of a message from sender goes
 *
 * Returns  true, *to appended and *from; false: nowhere, it is recorded and
 *          dropped.
 */
bool
bounce_address(struct slice sender, const struct bounce_names *names,
	       struct buf *to, struct slice *from);

struct bounce {
	const struct message *message; /* its failures are reported */
	const struct store_envelope *envelope;
	const struct bounce_names *names;
	struct slice to;
	struct slice copy; /* the first BOUNCE_COPY_MAX bytes of the text; all
			      of it when copy.len == message->text_len */
	uint64_t id;	   /* the bounce's */
	uint64_t random;   /* so that nobody can foretell the boundary */
	int64_t now_s;
};

/* bounce_text - append the whole bounce */
void
bounce_text(struct buf *out, const struct bounce *b);

#endif
