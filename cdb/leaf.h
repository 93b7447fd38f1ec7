/* leaf.h - the table that says where a leaf sends, and how
 *
 *	hub1.example.org
 *	192.0.2.1:628
 *	qmqps:hub2.example.org
 *	qmqps:192.0.2.2:6628/sha256:3ba0f3c3...
 *	order=spread timeout=30s lifetime=5d spool=100m
 *
 * A line is one hub, or options of the whole.
 *
 * Source  doc/quail-tables.5
 * Test    tests/build_test.c, tests/config_test.c
 */
#ifndef QUAIL_CDB_LEAF_H
#define QUAIL_CDB_LEAF_H

#include "cdb/rows.h"

/* leaf_take - a line of qmqpservers; see rows_take */
void
leaf_take(struct rows *r, struct slice words);

#endif
