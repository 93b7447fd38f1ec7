/* ask.h - an address as tables are asked for it
 *
 * Lower case throughout, the local part too: whoever writes to Alice and
 * alice means the same mailbox, and the tables' keys are made so. (What is
 * sent on keeps its case.) Allocates nothing: all lies in the struct.
 *
 * Test  tests/config_test.c
 */
#ifndef QUAIL_CDB_ASK_H
#define QUAIL_CDB_ASK_H

#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/map.h"
#include "lib/address.h"

enum {
	ASK_FRONT = 16, /* a table's name, with its NUL */
	ASK_MAX = ADDRESS_MAX + 256,
	ASK_KEY = ASK_FRONT + 2 * ASK_MAX
};

struct ask {
	struct slice full, local, domain; /* they lie in these: */
	char full_room[ASK_MAX], domain_room[ASK_MAX];
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

/* ask_find - look key up in a table
 *
 * Takes    table: KEYS_TABLE(...) and what else is to stand in front; at most
 *          ASK_FRONT bytes. key: at most ASK_KEY - ASK_FRONT.
 */
bool
ask_find(const struct config *c, struct slice table, struct slice key,
	 struct map_record *r);

/* The suffixes of a domain that have as many labels as any of a table:
 * whoever chooses the domain does not choose how many are looked up. */
struct ask_suffixes {
	const char *bits; /* NULL: not known, so all of them */
	struct slice rest;
	size_t dots; /* that are still to come */
};

/* ask_suffixes - begin with a domain
 *
 * Takes    set: the table's. domain: of address_sane_domain, or more may be
 *          looked up in a config.cdb of an older version.
 */
void
ask_suffixes(struct ask_suffixes *s, const struct config *c,
	     enum keys_depths set, struct slice domain);

/* ask_next_suffix - the next one, longest first
 *
 * Returns  true with *suffix, from its dot; false: there is none.
 */
bool
ask_next_suffix(struct ask_suffixes *s, struct slice *suffix);

/* ask_find_suffix - look the domain's suffixes up, longest first: .b.c and
 * .c for a.b.c */
bool
ask_find_suffix(const struct config *c, struct slice table,
		enum keys_depths set, struct slice domain,
		struct map_record *r);

/* ask_find_place - look a domain up: itself, its suffixes, '*' */
bool
ask_find_place(const struct config *c, struct slice table, enum keys_depths set,
	       struct slice domain, struct map_record *r);

#endif
