/* rewrite.h - the table that a leaf changes addresses by
 *
 *	rcpt    root@leaf.test   ops@example.org
 *	sender  *@leaf.test      %u@example.org
 *	from    *                noreply@example.org
 *
 * WHAT PATTERN ADDRESS: recipients, the return path, the header's From. The
 * pattern is an address, *@DOMAIN or *; ADDRESS is one, or %u@DOMAIN, which
 * keeps the local part. The first line that fits decides, and only it.
 *
 * Source  doc/quail-tables.5
 * Test    tests/rewrite_test.c
 */
#ifndef QUAIL_CDB_REWRITE_H
#define QUAIL_CDB_REWRITE_H

#include "cdb/rows.h"

/* rewrite_take - a line of the table; see rows_take */
void
rewrite_take(struct rows *r, struct slice words);

#endif
