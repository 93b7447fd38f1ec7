/* take_pools.c - rows of the table pools */
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "cdb/rows_tables.h"
#include "lib/endpoint.h"

static bool
good_over(struct slice value)
{
	return slice_eq(value, SLICE("wait")) ||
	       slice_eq(value, SLICE("others"));
}

static const struct option_kind pool_options[] = {
    {"over", good_over,
     "$ is not what can be done with mail over a limit; write over=wait or "
     "over=others"},
    {NULL, NULL,
     "$ is not an option of a pool; write over=wait or "
     "over=others"}};

static const struct option_kind member_options[] = {
    {"weight", option_good_count,
     "$ wants a number from 1 to 100000, such as weight=2"},
    {"concurrency", option_good_count,
     "$ wants a number from 1 to 100000, such as concurrency=20"},
    {"rate", option_good_rate,
     "$ is no rate; write messages a second, or a number with /s, /m, /h or "
     "/d after it, such as rate=100/m"},
    {"warmup", option_good_name,
     "$ names no curve; write the name of one, such as warmup=slow"},
    {"start", option_good_day,
     "$ is no day; write the first one as start=2026-11-21"},
    {NULL, NULL,
     "$ is not an option of a member; write weight=N, concurrency=N, rate=N, "
     "warmup=CURVE or start=YYYY-MM-DD"}};

static bool
options_right(struct rows *r, const struct option_kind *list,
	      struct slice words)
{
	struct slice word;

	while ((word = slice_word(&words)).len > 0)
		if (!rows_right(r, option_fault(list, word), word))
			return false;
	return true;
}

static bool
name_right(struct rows *r, struct slice name)
{
	if (name.len == 0)
		rows_wrong(r,
			   "this line has too few words; write a name "
			   "after its first",
			   name);
	return name.len > 0 &&
	       rows_right(r,
			  option_good_name(name)
			      ? NULL
			      : "$ is not a name; write 1 to 63 letters, "
				"digits, '.', '-' and '_'",
			  name);
}

/* The key "KIND A" or "KIND A B" in r->low, in lower case. */
static struct slice
key_of(struct rows *r, const char *kind, struct slice a, struct slice b)
{
	buf_clear(&r->text);
	buf_text(&r->text, kind);
	buf_puts(&r->text, a);
	if (b.at) {
		buf_putc(&r->text, ' ');
		buf_puts(&r->text, b);
	}
	return rows_lower(r, buf_slice(&r->text));
}

static const struct slice none = {NULL, 0};

static void
take_pool(struct rows *r, struct slice name, struct slice words)
{
	seen_put(&r->seen, "pool", rows_lower(r, name), rows_mark(r));
	if (options_right(r, pool_options, words) &&
	    rows_first(r, key_of(r, "pool ", name, none), name))
		rows_put(r, key_of(r, "pool ", name, none), slice_trim(words));
}

static void
take_member(struct rows *r, struct slice name, struct slice words)
{
	struct slice all = slice_trim(words), address = slice_word(&words),
		     helo = slice_word(&words), value;
	struct endpoint e;

	seen_put(&r->seen, "member of", rows_lower(r, name), rows_mark(r));
	if (endpoint_parse(&e, address, 0) != 0) {
		rows_wrong(r,
			   "$ is not a numeric address; write that which mail "
			   "of the pool goes out from, then the name that it "
			   "greets with",
			   address);
		return;
	}
	if (!rows_right(r, grammar_domain_fault(helo), helo) ||
	    !options_right(r, member_options, words) ||
	    !rows_first(r, key_of(r, "member ", name, address), address))
		return;
	if (option_value(words, "warmup", &value) !=
	    option_value(words, "start", &value)) {
		rows_wrong(r,
			   "$ has one of warmup=CURVE and start=YYYY-MM-DD; "
			   "write both or none",
			   address);
		return;
	}
	rows_put(r, key_of(r, "member ", name, none), all);
}

static void
take_sender(struct rows *r, struct slice name, struct slice words)
{
	struct slice word;

	while ((word = slice_word(&words)).len > 0) {
		if (!slice_eq(word, SLICE("<>")) && !grammar_domain(word) &&
		    !grammar_suffix(word) && !grammar_address(word))
			rows_wrong(r,
				   "$ is not a pattern of senders; write "
				   "user@domain, domain, .suffix or <>",
				   word);
		else if (rows_first(r, key_of(r, "sender ", word, none),
				    word)) {
			rows_note_suffix(r, KEYS_DEPTHS_POOL_SENDERS, word);
			rows_put(r, key_of(r, "sender ", word, none), name);
		}
	}
}

static bool
good_header(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~' || s.at[i] == ':')
			return false;
	return s.len > 0;
}

static void
take_header(struct rows *r, struct slice name, struct slice words)
{
	struct slice field = slice_word(&words), value = slice_trim(words);

	if (!good_header(field) || value.len == 0) {
		rows_wrong(r,
			   "$ is not a header and its value; write header POOL "
			   "NAME VALUE, the NAME without a colon",
			   field);
		return;
	}
	if (!rows_first(r, key_of(r, "header ", field, value), value))
		return;
	rows_put(r, key_of(r, "header ", field, value), name);
	if (seen_put(&r->seen, "header", rows_lower(r, field), 1) == 0)
		rows_put(r, SLICE("headers"), rows_lower(r, field));
}

static void
take_group(struct rows *r, struct slice name, struct slice words)
{
	struct slice word;

	seen_put(&r->seen, "group", rows_lower(r, name), rows_mark(r));
	while ((word = slice_word(&words)).len > 0)
		if ((grammar_suffix(word) ||
		     rows_right(r, grammar_domain_fault(word), word)) &&
		    rows_first(r, key_of(r, "group ", word, none), word)) {
			struct slice key = key_of(r, "group ", word, none);
			char lower[GRAMMAR_LABEL_MAX];
			size_t i;

			for (i = 0; i < name.len; i++)
				lower[i] =
				    name.at[i] >= 'A' && name.at[i] <= 'Z'
					? (char)(name.at[i] + 32)
					: name.at[i];
			rows_note_suffix(r, KEYS_DEPTHS_POOL_GROUPS, word);
			rows_put(r, key, slice_of(lower, name.len));
		}
}

static void
take_curve(struct rows *r, struct slice name, struct slice words)
{
	struct slice group = slice_word(&words), all = slice_trim(words), word;
	uint64_t n;

	seen_put(&r->seen, "curve", rows_lower(r, name), rows_mark(r));
	if (all.len == 0) {
		rows_wrong(r,
			   "this line has too few words; write curve NAME "
			   "GROUP and the messages of each day, GROUP being * "
			   "for all others",
			   SLICE(""));
		return;
	}
	while ((word = slice_word(&words)).len > 0)
		if (slice_number(word, UINT32_MAX, &n) != 0) {
			rows_wrong(r,
				   "$ is not a number of messages; write one "
				   "number for each day",
				   word);
			return;
		}
	if (rows_first(r, key_of(r, "curve ", name, group), group))
		rows_put(r, key_of(r, "curve ", name, group), all);
}

static const struct {
	const char *verb;
	void (*take)(struct rows *r, struct slice name, struct slice words);
} verbs[] = {{"pool", take_pool},     {"member", take_member},
	     {"sender", take_sender}, {"header", take_header},
	     {"group", take_group},   {"curve", take_curve}};

void
rows_take_pools(struct rows *r, struct slice words)
{
	struct slice verb = slice_word(&words), name = slice_word(&words);
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_eq(verb, slice_text(verbs[i].verb))) {
			if (name_right(r, name))
				verbs[i].take(r, name, slice_trim(words));
			return;
		}
	rows_wrong(r,
		   "$ is not a line of pools; begin it with pool, member, "
		   "sender, header, group or curve",
		   verb);
}

static void
check(struct rows *r, const char *set, struct slice name, const char *fault)
{
	if (option_good_name(name) &&
	    !seen_get(&r->seen, set, rows_lower(r, name)))
		rows_wrong(r, fault, name);
}

void
rows_check_pools(struct rows *r, struct slice words)
{
	struct slice verb = slice_word(&words), name = slice_word(&words),
		     rest = words, value;

	if (slice_eq(verb, SLICE("pool"))) {
		check(r, "member of", name,
		      "$ has no member; write a line: member POOL ADDRESS "
		      "HELO");
	} else if (slice_eq(verb, SLICE("curve"))) {
		value = slice_word(&rest);
		if (!slice_eq(value, SLICE("*")) && value.len > 0)
			check(r, "group", value,
			      "there is no group $; write a line: group NAME "
			      "DOMAIN..., or * for all that are in none");
	} else if (slice_eq(verb, SLICE("member")) ||
		   slice_eq(verb, SLICE("sender")) ||
		   slice_eq(verb, SLICE("header"))) {
		check(r, "pool", name,
		      "there is no pool $; write a line: pool NAME");
	}
	if (slice_eq(verb, SLICE("member")) &&
	    option_value(words, "warmup", &value))
		check(r, "curve", value,
		      "there is no curve $; write a line: curve NAME * and "
		      "the messages of each day");
}
