/* rows_tables.h - the takes, checks and weighings of single tables
 *
 * Called by rows_take, rows_check and rows_weigh for a line that is plain
 * text and has not too few or too many words.
 *
 * Test  tests/build_test.c
 */
#ifndef QUAIL_CDB_ROWS_TABLES_H
#define QUAIL_CDB_ROWS_TABLES_H

#include "cdb/rows.h"

/* take_clients.c */
void
rows_take_listen(struct rows *r, struct slice words);

void
rows_take_access(struct rows *r, struct slice words);

void
rows_take_serverlimits(struct rows *r, struct slice words);

void
rows_take_mxnetworks(struct rows *r, struct slice words);

/* take_routes.c */
void
rows_take_routes(struct rows *r, struct slice words);

void
rows_check_routes(struct rows *r, struct slice words);

void
rows_take_smtproutes(struct rows *r, struct slice words);

void
rows_take_agents(struct rows *r, struct slice words);

/* take_users.c */
void
rows_take_users(struct rows *r, struct slice words);

void
rows_take_virtualdomains(struct rows *r, struct slice words);

void
rows_take_aliases(struct rows *r, struct slice words);

/* take_pools.c */
void
rows_take_pools(struct rows *r, struct slice words);

void
rows_check_pools(struct rows *r, struct slice words);

/* take_policy.c */
void
rows_take_limits(struct rows *r, struct slice words);

void
rows_take_tls(struct rows *r, struct slice words);

void
rows_take_dkim(struct rows *r, struct slice words);

void
rows_take_number(struct rows *r, struct slice words);

/* rows_check_secret - is a key's file there, and nobody else's to read?
 *
 * Takes    name, relative to the tables' directory; word stands for it.
 */
void
rows_check_secret(struct rows *r, const char *name, struct slice word);

/* take_rules.c: tcprules' lines, which access takes too */

bool
rows_is_rule(struct slice words);

void
rows_take_rule(struct rows *r, struct slice words);

#endif
