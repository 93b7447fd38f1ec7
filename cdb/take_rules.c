/* take_rules.c - lines of tcprules in the table access
 *
 *	127.:allow,RELAYCLIENT=""
 *	192.0.2.4-9:allow,RELAYCLIENT=""
 *	:allow
 *
 * What a line of access cannot say is an error or, where mail is not at
 * stake, a warning.
 *
 * Source  https://cr.yp.to/ucspi-tcp/tcprules.html
 */
#include "cdb/config.h"
#include "cdb/keys.h"
#include "cdb/rows_tables.h"

enum { OCTETS = 4 };

struct rule {
	uint8_t low[OCTETS], high; /* high: of the last octet given */
	unsigned n;		   /* octets given */
};

/* Where the address ends: at the last ':' before "allow" or "deny". */
static size_t
address_end(struct slice words)
{
	static const char *const verbs[] = {":allow", ":deny"};
	size_t v, i;

	for (v = 0; v < 2; v++) {
		size_t len = strlen(verbs[v]);

		for (i = 0; i + len <= words.len; i++)
			if (!memcmp(words.at + i, verbs[v], len) &&
			    (i + len == words.len || words.at[i + len] == ','))
				return i;
	}
	return words.len;
}

bool
rows_is_rule(struct slice words)
{
	return address_end(words) < words.len;
}

static bool
octet(struct slice s, uint8_t *r)
{
	uint64_t n;

	if (slice_number(s, 255, &n) != 0)
		return false;
	*r = (uint8_t)n;
	return true;
}

/* "", "10.", "10.1-3.", "10.1.2.3", "10.1.2.3-9" */
static bool
parse(struct slice s, struct rule *rule)
{
	*rule = (struct rule){.high = 0};
	while (s.len > 0) {
		size_t dot = slice_find(s, '.');
		struct slice part = slice_of(s.at, dot);
		size_t dash = slice_find(part, '-');
		uint8_t low, high;

		if (rule->n == OCTETS ||
		    (rule->n > 0 && rule->low[rule->n - 1] != rule->high) ||
		    !octet(slice_of(part.at, dash), &low))
			return false;
		high = low;
		if (dash < part.len &&
		    (!octet(slice_from(part, dash + 1), &high) || high < low))
			return false;
		rule->low[rule->n++] = low;
		rule->high = high;
		if (dot == s.len)
			return rule->n == OCTETS;
		s = slice_from(s, dot + 1);
		if (s.len == 0)
			return rule->n < OCTETS;
	}
	return true;
}

static void
put_network(struct rows *r, const struct network *n, unsigned rights,
	    struct slice word)
{
	char key[NETWORK_KEY];

	network_key(n, key);
	if (!rows_first(r, slice_of(key, sizeof key), word))
		return;
	r->lengths[n->bits] = true;
	rows_put_number(r, slice_of(key, sizeof key), rights);
}

static void
put_rule(struct rows *r, const struct rule *rule, unsigned rights,
	 struct slice word)
{
	struct network n = {.address = {[10] = 0xff, [11] = 0xff}};
	struct network all = {.bits = 0};
	unsigned last = rule->n ? rule->low[rule->n - 1] : 0;

	memcpy(n.address + 12, rule->low, OCTETS);
	n.bits = (uint8_t)(NETWORK_V4 + 8 * rule->n);
	for (; last <= rule->high; last++) {
		if (rule->n > 0)
			n.address[12 + rule->n - 1] = (uint8_t)last;
		put_network(r, &n, rights, word);
	}
	if (rule->n == 0) /* tcprules knows IPv4 only; its default is ours */
		put_network(r, &all, rights, word);
}

/* VAR="x",VAR="y": RELAYCLIENT="" is the right to relay. */
static bool
rights_of(struct rows *r, struct slice vars, unsigned *rights)
{
	*rights = 0;
	while (vars.len > 0) {
		size_t eq = slice_find(vars, '='), end;
		struct slice name = slice_of(vars.at, eq), value;

		if (eq + 1 >= vars.len) {
			rows_wrong(r, "$ has no value; write NAME=\"VALUE\"",
				   vars);
			return false;
		}
		value = slice_from(vars, eq + 2);
		end = slice_find(value, vars.at[eq + 1]);
		if (end == value.len) {
			rows_wrong(r,
				   "$ has no second quote; write "
				   "NAME=\"VALUE\"",
				   vars);
			return false;
		}
		value.len = end;
		vars = slice_from(vars, eq + 2 + end + 1);
		if (vars.len > 0 && vars.at[0] == ',')
			vars = slice_from(vars, 1);
		if (!slice_eq(name, SLICE("RELAYCLIENT"))) {
			rows_warn(r,
				  "$ has no meaning here; quail does not set "
				  "variables for its clients",
				  name);
		} else if (value.len > 0) {
			rows_wrong(r,
				   "RELAYCLIENT=$ would be put after each "
				   "recipient, which quail does not; write "
				   "RELAYCLIENT=\"\"",
				   value);
			return false;
		} else {
			*rights |= CONFIG_RELAY;
		}
	}
	return true;
}

void
rows_take_rule(struct rows *r, struct slice words)
{
	size_t end = address_end(words);
	struct slice address = slice_of(words.at, end),
		     rest = slice_from(words, end + 1);
	bool deny = slice_starts(rest, SLICE("deny"));
	struct rule rule;
	unsigned rights;
	size_t comma = slice_find(rest, ',');

	rest = slice_from(rest, comma < rest.len ? comma + 1 : comma);
	if (!parse(address, &rule)) {
		rows_wrong(r,
			   "$ is not an address of tcprules that can be had "
			   "here; write 192.0.2.1, 192.0.2.1-9 or 192.0.2.",
			   address);
		return;
	}
	if (!rights_of(r, rest, &rights))
		return;
	if (deny)
		rows_warn(r,
			  "$ is not refused at once, but may do no more than "
			  "strangers; close the port to it with a firewall",
			  words);
	if (rule.n == 0 && (rights & CONFIG_RELAY))
		rows_warn(r,
			  "$ relays for everybody, spammers too; name only "
			  "your own networks",
			  words);
	put_rule(r, &rule, deny ? 0 : rights, words);
}
