#include "queue/control_ask.h"

#include "lib/netstring.h"

static const struct {
	const char *name;
	enum control_verb verb;
} verbs[] = {
    {"list", CONTROL_LIST},
    {"show", CONTROL_SHOW},
    {"cat", CONTROL_CAT},
    {"export", CONTROL_EXPORT},
    {"count", CONTROL_COUNT},
    {"stats", CONTROL_STATS},
    {"destinations", CONTROL_DESTINATIONS},
    {"holds", CONTROL_HOLDS},
    {"hold", CONTROL_HOLD},
    {"release", CONTROL_RELEASE},
    {"retry", CONTROL_RETRY},
    {"remove", CONTROL_REMOVE},
    {"bounce", CONTROL_BOUNCE},
};

static const char *
take_verb(struct control_ask *a, struct slice word)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (slice_eq(word, slice_text(verbs[i].name))) {
			a->verb = verbs[i].verb;
			return NULL;
		}
	}
	return "there is no such request";
}

/* "6b02093a-0000a3f2": where it stood, when its id cannot be read */
static bool
is_place(struct slice s)
{
	uint64_t n;

	return s.len == 17 && s.at[8] == '-' &&
	       slice_hex(slice_of(s.at, 8), &n) == 0 &&
	       slice_hex(slice_from(s, 9), &n) == 0;
}

static const char *
take_id(struct control_ask *a, struct slice value)
{
	uint64_t id;

	if (is_place(value)) {
		buf_puts(&a->places, value);
		buf_putc(&a->places, 0);
		a->n_places++;
		return NULL;
	}
	if (value.len == 16 && slice_hex(value, &id) == 0 && id == 0)
		return "no message has the id 0";
	if (value.len != 16 || slice_hex(value, &id) != 0)
		return "an id has 16 digits: 0 to 9 and a to f";
	buf_put(&a->ids, &id, sizeof id);
	a->n_ids++;
	return NULL;
}

static const char *
take_pattern(struct slice *pattern, struct slice value)
{
	if (pattern->len > 0)
		return "a pattern was given twice";
	if (value.len == 0)
		return "a pattern is empty; the empty return path is <>";
	*pattern = value;
	return NULL;
}

static const char *
take_word(struct control_ask *a, struct slice word)
{
	size_t is = slice_find(word, '=');
	struct slice key = slice_of(word.at, is), value;
	uint64_t n;

	if (is == word.len)
		return "a word is not KEY=VALUE";
	value = slice_from(word, is + 1);
	if (slice_eq(key, SLICE("id")))
		return take_id(a, value);
	if (slice_eq(key, SLICE("to")))
		return take_pattern(&a->to, value);
	if (slice_eq(key, SLICE("from")))
		return take_pattern(&a->from, value);
	if (slice_eq(key, SLICE("dest")))
		return take_pattern(&a->dest, value);
	if (slice_eq(key, SLICE("older")) &&
	    slice_number(value, UINT32_MAX, &n) == 0)
		a->older_s = (int64_t)n;
	else if (slice_eq(word, SLICE("held=1")))
		a->is_held = true;
	else if (slice_eq(word, SLICE("all=1")))
		a->is_all = true;
	else
		return "a word is not known here";
	return NULL;
}

/* Nobody removes a whole queue by leaving something out. */
static const char *
check(const struct control_ask *a)
{
	bool selects = control_ask_by_id(a) || a->to.len > 0 ||
		       a->from.len > 0 || a->dest.len > 0 || a->older_s > 0 ||
		       a->is_held;

	if (a->is_all && selects)
		return "all, and less than all, were asked for";
	if (control_ask_changes(a) && !selects && !a->is_all)
		return "say which messages: ids, a selection, or --all for all "
		       "of them";
	if ((a->verb == CONTROL_SHOW || a->verb == CONTROL_CAT) &&
	    !control_ask_by_id(a))
		return "an id is wanted";
	if (a->verb == CONTROL_CAT && a->n_ids + a->n_places != 1)
		return "one id is wanted";
	return NULL;
}

const char *
control_ask_parse(struct control_ask *a, struct slice payload)
{
	struct slice rest, word;
	const char *why;

	buf_puts(&a->words, payload);
	rest = buf_slice(&a->words);
	if (netstring_slice(&rest, &word) != 0)
		return "a request is netstrings in a netstring";
	why = take_verb(a, word);
	while (!why && rest.len > 0) {
		if (netstring_slice(&rest, &word) != 0)
			return "a request is netstrings in a netstring";
		why = take_word(a, word);
	}
	return why ? why : check(a);
}

uint64_t
control_ask_id(const struct control_ask *a, size_t i)
{
	uint64_t id;

	memcpy(&id, buf_slice(&a->ids).at + i * sizeof id, sizeof id);
	return id;
}

bool
control_ask_only(const struct control_ask *a, struct slice pattern)
{
	int n = (a->to.len > 0) + (a->from.len > 0) + (a->dest.len > 0);

	return pattern.len > 0 && n == 1 && !control_ask_by_id(a) &&
	       a->older_s == 0 && !a->is_held;
}

void
control_ask_free(struct control_ask *a)
{
	buf_free(&a->words);
	buf_free(&a->ids);
	buf_free(&a->places);
	*a = (struct control_ask){0};
}
