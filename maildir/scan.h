/* scan.h - find the Delivered-To lines in a header, as it streams by
 *
 * One that names our recipient means that this mailbox had the message
 * already: a loop. Lines of any length pass; those too long to hold an
 * address are none of ours.
 *
 * Source  RFC 9228 section 4
 * Test    tests/scan_test.c
 */
#ifndef QUAIL_MAILDIR_SCAN_H
#define QUAIL_MAILDIR_SCAN_H

#include "lib/address.h"

enum { SCAN_LINE_MAX = ADDRESS_MAX + 64 };

enum scan_event {
	SCAN_MORE,  /* some input was taken */
	SCAN_FOUND, /* scan.address holds what a line names */
	SCAN_OVER   /* the header is over: no need for the rest */
};

struct scan {
	struct slice address; /* at SCAN_FOUND, until the next call */
	bool is_over;
	size_t len; /* of the line, SCAN_LINE_MAX + 1 when too long */
	char line[SCAN_LINE_MAX];
};

/* scan_push - take a part of the message
 *
 * Needs    *s all zero before the first; call again while *in is not empty
 *          and it does not say SCAN_OVER.
 */
enum scan_event
scan_push(struct scan *s, struct slice *in);

#endif
