/* repeat.h - what makes a package the same as another, read as it comes in
 *
 * A client that lost our K sends the same bytes again; a device that sends the
 * same alarm twice means it. So only a package can be a repeat whose client may
 * relay, whose text has a Message-ID, and whose front end says where our
 * own trace lines end and by which of its connections it came: the attributes
 *
 *   trace=N     the first N bytes of text are the front end's own
 *   session=N   the number of the client's connection, at this front end
 *   pin=PIN     the client's key, if it has shown one (lib/tls_pin.h)
 *
 * which are not kept with the message. The hash covers the other text, sender,
 * recipients and the client: by its key, else by its address.
 *
 * Test  tests/repeat_test.c, tests/door_test.c
 */
#ifndef QUAIL_QUEUE_REPEAT_H
#define QUAIL_QUEUE_REPEAT_H

#include "lib/texthash.h"
#include "queue/incoming.h"

enum repeat_state {
	REPEAT_LINE,  /* a line begins */
	REPEAT_END,   /* ... with a CR: the last one, perhaps */
	REPEAT_NAME,  /* the name has been right so far */
	REPEAT_COLON, /* behind the name */
	REPEAT_VALUE, /* of the field, nothing but white space so far */
	REPEAT_FOLD,  /* ... at the end of its line */
	REPEAT_SKIP,  /* some other line */
	REPEAT_OVER   /* the header has ended, or it was found */
};

/* Is there a Message-ID in the header of a passing text? */
struct repeat_header {
	enum repeat_state state;
	uint8_t matched; /* bytes of the name */
	bool is_found;
};

struct repeat {
	struct texthash hash; /* of the client's own text, then of all */
	struct repeat_header header;
	uint64_t trace_size, trace_left; /* our own bytes; still to come */
	uint64_t session;
	struct buf pin;
	bool has_trace, has_session, is_trusted;
};

/* repeat_init - before the first byte; the key is borrowed */
void
repeat_init(struct repeat *r, const struct texthash_key *key);

void
repeat_free(struct repeat *r);

/* repeat_header_push - the next bytes of a text; any cut will do */
void
repeat_header_push(struct repeat_header *h, struct slice text);

/* repeat_attr - take an attribute
 *
 * Takes    has_text: some text has come already.
 * Returns  1: it is one of the three above; 0: it is not; -1: it breaks the
 *          contract.
 */
int
repeat_attr(struct repeat *r, struct slice attr, bool has_text);

/* repeat_text - take the next bytes of the text */
void
repeat_text(struct repeat *r, struct slice text);

/* repeat_finish - give a complete message its key; can it be a repeat?
 *
 * Takes    link: the number of the front end's connection to us, in->attrs.
 * Sets     in->key of any, in->is_trusted; in->has_key and session of one
 *          that can be a repeat. *r must not be used again.
 */
void
repeat_finish(struct repeat *r, struct incoming *in, uint32_t link);

#endif
