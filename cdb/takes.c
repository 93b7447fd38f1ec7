/* takes.c - the first half of rows.h: what each table's line becomes */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/leaf.h"
#include "cdb/rewrite.h"
#include "cdb/rows_tables.h"
#include "cdb/wall.h"

/* me, bouncehost, doublebouncehost: one line, a host */
static void
take_host(struct rows *r, struct slice words)
{
	if (!rows_right(r, grammar_domain_fault(words), words))
		return;
	if (strcmp(r->table, KEYS_ME) == 0)
		seen_put(&r->seen, "me is", rows_lower(r, words), 1);
	if (rows_first(r, SLICE(""), words))
		rows_put(r, SLICE(""), words);
}

/* bouncefrom, doublebounceto */
static void
take_local_part(struct rows *r, struct slice words)
{
	if (rows_right(r, grammar_local_part_fault(words), words) &&
	    rows_first(r, SLICE(""), words))
		rows_put(r, SLICE(""), words);
}

static void
take_locals(struct rows *r, struct slice words)
{
	struct slice domain = rows_lower(r, words);

	if (rows_right(r, grammar_domain_fault(words), words) &&
	    rows_first(r, domain, words)) {
		rows_note_local(r, domain);
		rows_put(r, domain, SLICE(""));
	}
}

static void
take_rcpthosts(struct rows *r, struct slice words)
{
	struct slice key = rows_lower(r, words);

	if (!grammar_suffix(words) &&
	    !rows_right(r, grammar_domain_fault(words), words))
		return;
	if (!rows_first_of(r, KEYS_RCPTHOSTS, key, words))
		return;
	if (key.at[0] == '.')
		r->has |= KEYS_HAS_RCPTHOST_SUFFIXES;
	rows_note_suffix(r, KEYS_DEPTHS_RCPTHOSTS, key);
	rows_put_in(r, KEYS_RCPTHOSTS, key, SLICE(""));
}

static void
take_sandbox(struct rows *r, struct slice word)
{
	enum wall_way way;

	if (rows_right(r,
		       wall_way_parse(word, &way) == 0
			   ? NULL
			   : "$ is none of require, try and off",
		       word) &&
	    rows_first_of(r, KEYS_SANDBOX, SLICE(""), word))
		rows_put_in(r, KEYS_SANDBOX, SLICE(""), word);
}

/* all tables */

#define FORM(form)                                                             \
	"this line has too few words; write " form,                            \
	    "this line has more words than it may, beginning with $; "         \
	    "write " form

/* In the order in which they are taken. */
static const struct kind {
	const char *table, *few, *many;
	unsigned min, max; /* words in a line; max 0: any number */
	void (*take)(struct rows *r, struct slice words);
	void (*check)(struct rows *r, struct slice words); /* or NULL */
} kinds[] = {
    {KEYS_ME, FORM("HOST"), 1, 1, take_host, NULL},
    {KEYS_LISTEN, FORM("PROTOCOL ADDRESS:PORT"), 2, 3, rows_take_listen, NULL},
    {KEYS_SERVERLIMITS, FORM("NAME VALUE"), 2, 2, rows_take_serverlimits, NULL},
    {KEYS_ACCESS, FORM("NETWORK RIGHT..."), 2, 0, rows_take_access, NULL},
    {KEYS_MXNETWORKS, FORM("NETWORK"), 1, 1, rows_take_mxnetworks, NULL},
    {KEYS_LOCALS, FORM("DOMAIN"), 1, 1, take_locals, NULL},
    {KEYS_RCPTHOSTS, FORM("DOMAIN or .SUFFIX"), 1, 1, take_rcpthosts, NULL},
    {"morercpthosts", FORM("DOMAIN or .SUFFIX"), 1, 1, take_rcpthosts, NULL},
    {KEYS_VIRTUALDOMAINS, FORM("DOMAIN:PREFIX"), 1, 1, rows_take_virtualdomains,
     NULL},
    {KEYS_USERS, FORM("PATTERN maildir:PATH"), 2, 2, rows_take_users, NULL},
    {KEYS_ALIASES, FORM("PATTERN ADDRESS..."), 2, 0, rows_take_aliases, NULL},
    {KEYS_AGENTS, FORM("NAME [user=USER] [processes=N]"), 1, 3,
     rows_take_agents, NULL},
    {KEYS_ROUTES, FORM("PATTERN NEXTHOP..."), 2, 0, rows_take_routes,
     rows_check_routes},
    {KEYS_SMTPROUTES, FORM("DOMAIN:HOST:PORT"), 1, 1, rows_take_smtproutes,
     NULL},
    {KEYS_POOLS, FORM("WHAT NAME ..."), 2, 0, rows_take_pools,
     rows_check_pools},
    {KEYS_LIMITS, FORM("PATTERN LIMIT..."), 2, 0, rows_take_limits, NULL},
    {KEYS_TLSPOLICY, FORM("PATTERN POLICY"), 2, 0, rows_take_tls, NULL},
    {KEYS_DKIM, FORM("DOMAIN SELECTOR FILE"), 3, 3, rows_take_dkim, NULL},
    {KEYS_QMQPSERVERS, FORM("HOST:PORT"), 1, 0, leaf_take, NULL},
    {KEYS_REWRITE, FORM("WHAT PATTERN ADDRESS"), 3, 3, rewrite_take, NULL},
    {KEYS_BOUNCEFROM, FORM("LOCALPART"), 1, 1, take_local_part, NULL},
    {KEYS_BOUNCEHOST, FORM("HOST"), 1, 1, take_host, NULL},
    {KEYS_DOUBLEBOUNCETO, FORM("LOCALPART"), 1, 1, take_local_part, NULL},
    {KEYS_DOUBLEBOUNCEHOST, FORM("HOST"), 1, 1, take_host, NULL},
    {KEYS_QUEUELIFETIME, FORM("SECONDS"), 1, 1, rows_take_number, NULL},
    {"concurrencylocal", FORM("NUMBER"), 1, 1, rows_take_number, NULL},
    {"concurrencyremote", FORM("NUMBER"), 1, 1, rows_take_number, NULL},
    {"databytes", FORM("BYTES"), 1, 1, rows_take_number, NULL},
    {KEYS_STOPWAIT, FORM("SECONDS"), 1, 1, rows_take_number, NULL},
    {KEYS_SANDBOX, FORM("require, try or off"), 1, 1, take_sandbox, NULL},
    {"timeoutconnect", FORM("SECONDS"), 1, 1, rows_take_number, NULL},
    {"timeoutremote", FORM("SECONDS"), 1, 1, rows_take_number, NULL},
    {"timeoutsmtpd", FORM("SECONDS"), 1, 1, rows_take_number, NULL},
    {"helohost", FORM("HOST"), 1, 1, take_host, NULL},
};
#undef FORM

const char *
rows_table(size_t n)
{
	return n < sizeof kinds / sizeof *kinds ? kinds[n].table : NULL;
}

static const struct kind *
kind_of(const char *table)
{
	size_t i = 0;

	while (strcmp(kinds[i].table, table) != 0)
		i++;
	return &kinds[i];
}

static bool
count_good(struct rows *r, const struct kind *kind, struct slice words)
{
	struct slice word;
	unsigned n = 0;

	while ((word = slice_word(&words)).len > 0)
		if (++n > kind->max && kind->max) {
			rows_wrong(r, kind->many, word);
			return false;
		}
	if (n < kind->min)
		rows_wrong(r, kind->few, SLICE(""));
	return n >= kind->min;
}

static bool
plain(struct rows *r, struct slice words)
{
	size_t i;

	if (words.len > TABLES_LINE_MAX) {
		rows_wrong(r,
			   "this line is longer than 65536 bytes; shorten it",
			   SLICE(""));
		return false;
	}
	for (i = 0; i < words.len; i++)
		if (((unsigned char)words.at[i] < ' ' && words.at[i] != '\t') ||
		    words.at[i] == 0x7f) {
			rows_wrong(r, "$ has a control byte; write plain text",
				   words);
			return false;
		}
	return true;
}

void
rows_take(struct rows *r, struct slice words)
{
	const struct kind *kind = kind_of(r->table);

	if (!plain(r, words))
		return;
	r->has_hubs |= strcmp(r->table, KEYS_QMQPSERVERS) == 0;
	r->has_access |= strcmp(r->table, KEYS_ACCESS) == 0;
	if (kind->take == rows_take_access && rows_is_rule(words))
		rows_take_rule(r, words);
	else if (count_good(r, kind, words))
		kind->take(r, words);
}

void
rows_check(struct rows *r, struct slice words)
{
	const struct kind *kind = kind_of(r->table);

	if (kind->check)
		kind->check(r, words);
}
