/* ask.h - an address as tables are asked for it
 *
 * Lower case throughout, the local part too: whoever writes to Alice and
 * alice means the same mailbox, and the tables' keys are made so. (What is
 * sent on keeps its case.) Allocates nothing: the forms lie in the struct,
 * with room in front of them where a table's name is put, so that a key is
 * made without copying twice.
 *
 * Test  tests/config_test.c
 */
#ifndef QUAIL_CDB_ASK_H
#define QUAIL_CDB_ASK_H

#include "cdb/config.h"
#include "cdb/map.h"
#include "lib/address.h"

enum { ASK_FRONT = 16, ASK_MAX = ADDRESS_MAX + 256 };

struct ask {
	struct slice full, local, domain; /* they lie in these: */
	char full_room[ASK_FRONT + ASK_MAX], domain_room[ASK_FRONT + ASK_MAX];
};

/* ask_address - prepare to ask for an address; without '@' it is at me
 *
 * Returns  true; false for what can be no address at all.
 */
bool
ask_address(struct ask *a, const struct config *c, struct slice address);

/* ask_domain - prepare to ask for a domain alone
 *
 * Returns  true; false for what can be no domain at all.
 */
bool
ask_domain(struct ask *a, struct slice domain);

/* ask_find - look rest up in a table
 *
 * Takes    table: KEYS_TABLE(...) and what else is to stand in front; at most
 *          ASK_FRONT bytes. rest: a->full, a->domain, or the end of one.
 * Does     overwrite what is in front of rest.
 */
bool
ask_find(const struct config *c, struct slice table, struct slice rest,
	 struct map_record *r);

/* ask_find_suffix - look the domain's suffixes up, longest first: .b.c and
 * .c for a.b.c. Overwrites the domain. */
bool
ask_find_suffix(const struct config *c, struct slice table, struct ask *a,
		struct map_record *r);

#endif
