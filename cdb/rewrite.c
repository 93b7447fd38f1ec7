#include "cdb/rewrite.h"

#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "lib/address.h"

static const char *const whats[] = {"rcpt", "sender", "from"};

static const struct slice keep_local = {"%u@", 3};

static bool
is_what(struct slice word)
{
	size_t i;

	for (i = 0; i < sizeof whats / sizeof *whats; i++)
		if (slice_eq(word, slice_text(whats[i])))
			return true;
	return false;
}

static const char *
pattern_fault(struct slice s)
{
	if (slice_eq(s, SLICE("*")) || grammar_address(s) ||
	    (slice_starts(s, SLICE("*@")) && grammar_domain(slice_from(s, 2))))
		return NULL;
	return "$ is not a pattern; write user@domain, *@domain or *";
}

static const char *
address_fault(struct slice s)
{
	if (slice_starts(s, keep_local) && grammar_domain(slice_from(s, 3)))
		return NULL;
	if (slice_find(s, '%') == s.len && grammar_address(s))
		return NULL;
	return "$ is not an address; write user@domain, or %u@domain to keep "
	       "the local part";
}

void
rewrite_take(struct rows *r, struct slice words)
{
	struct slice what = slice_word(&words), rest = words,
		     pattern = slice_word(&rest), address = slice_trim(rest);
	struct buf key = {0};

	if (!is_what(what)) {
		rows_wrong(r,
			   "$ is not what can be rewritten; write rcpt, sender "
			   "or from",
			   what);
		return;
	}
	buf_puts(&key, what);
	buf_putc(&key, ' ');
	buf_puts(&key, rows_lower(r, pattern));
	if (rows_right(r, pattern_fault(pattern), pattern) &&
	    rows_right(r, address_fault(address), address) &&
	    rows_first(r, buf_slice(&key), pattern))
		rows_put(r, what, slice_trim(words));
	buf_free(&key);
}

/* asking */

static bool
fits(struct slice pattern, struct slice address)
{
	struct slice local, domain;

	if (slice_eq(pattern, SLICE("*")) || slice_case_eq(pattern, address))
		return true;
	return slice_starts(pattern, SLICE("*@")) &&
	       address_split(address, &local, &domain) &&
	       slice_case_eq(slice_from(pattern, 2), domain);
}

static void
put(struct buf *out, struct slice to, struct slice address)
{
	struct slice local, domain;

	if (slice_starts(to, keep_local)) {
		address_split(address, &local, &domain);
		buf_puts(out, local);
		to = slice_from(to, 2);
	}
	buf_puts(out, to);
}

bool
config_rewrite(const struct config *c, const char *what, struct slice address,
	       struct buf *out, struct slice *source)
{
	struct map_record record;
	struct slice value, pattern;
	char key[32];
	size_t len = sizeof KEYS_REWRITE, before = out->len;
	unsigned n;

	memcpy(key, KEYS_REWRITE, len);
	memcpy(key + len, what, strlen(what));
	len += strlen(what);
	for (n = 0; map_find(c->map, slice_of(key, len), n, &record); n++) {
		keys_open(record.value, &value, source);
		pattern = slice_word(&value);
		if (!fits(pattern, address))
			continue;
		put(out, slice_trim(value), address);
		if (out->len - before <= ADDRESS_MAX)
			return true;
		buf_cut(out, before); /* a long local part stays as it is */
		return false;
	}
	return false;
}
