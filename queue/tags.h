/* tags.h - headers that choose a pool, read as the text comes in
 *
 * The tables name them (pools, "header"). What they say is kept as attributes
 * of the message, "tag=NAME:VALUE", NAME in lower case, so that no attempt
 * needs to read the text. Of each name the first one counts, of a folded one
 * its first line.
 *
 * Test  tests/tags_test.c
 */
#ifndef QUAIL_QUEUE_TAGS_H
#define QUAIL_QUEUE_TAGS_H

#include "lib/buf.h"

enum { TAGS_MAX = 8, TAGS_NAME_MAX = 64, TAGS_VALUE_MAX = 100 };

#define TAGS_ATTR "tag="

/* The names to look for. */
struct tags_names {
	unsigned n;
	struct {
		uint8_t len;
		char name[TAGS_NAME_MAX];
	} at[TAGS_MAX];
};

/* tags_add - one more name; more than TAGS_MAX, or too long ones, are not
 * looked for */
void
tags_add(struct tags_names *names, struct slice name);

struct tags {
	bool in_body;
	uint8_t seen;	 /* a bit for each name */
	uint16_t column; /* of the next byte in its line, saturating */
	char line[TAGS_NAME_MAX + TAGS_VALUE_MAX];
};

/* A zeroed struct is before the first byte. */

/* tags_push - take the next bytes; any cut will do
 *
 * Takes    out: the attributes, as netstrings, are appended to it.
 */
void
tags_push(struct tags *t, const struct tags_names *names, struct slice text,
	  struct buf *out);

/* tags_split - is it such an attribute? */
bool
tags_split(struct slice attr, struct slice *name, struct slice *value);

#endif
