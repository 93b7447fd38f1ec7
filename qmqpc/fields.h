/* fields.h - the fields that a submitted message lacks
 *
 *   Date: Sat, 21 Nov 2026 20:40:11 +0000
 *   Message-ID: <0f1e2d3c4b5a69788796a5b4c3d2e1f0@leaf7.test>
 *   From: "Cron Daemon" <root@leaf7.test>
 *
 * Pure: time and random bits are the caller's.
 *
 * Source  RFC 5322 section 3.6; RFC 2047 for a name that is not ASCII
 * Test    tests/sendmail_test.c
 */
#ifndef QUAIL_QMQPC_FIELDS_H
#define QUAIL_QMQPC_FIELDS_H

#include "lib/buf.h"

enum { FIELDS_RANDOM = 16, FIELDS_NAME_MAX = 200 };

struct fields {
	struct slice address; /* of From, as an envelope carries it */
	struct slice name;    /* shown with it; may be empty */
	struct slice me;
	int64_t now_s;
	uint8_t random[FIELDS_RANDOM];
};

/* fields_missing - append those that seen (bits of header.h) has not
 *
 * A resent message gets Resent-Date, Resent-From and Resent-Message-ID too.
 */
void
fields_missing(struct buf *out, unsigned seen, const struct fields *f);

/* fields_phrase - append a display name that is safe in a header
 *
 * ASCII as a quoted string, UTF-8 as encoded words. Control characters, and
 * all above ASCII when it is no UTF-8, become "?": nothing can break out
 * of the field. Cut at FIELDS_NAME_MAX bytes.
 */
void
fields_phrase(struct buf *out, struct slice name);

#endif
