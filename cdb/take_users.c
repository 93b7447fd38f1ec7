/* take_users.c - rows of the tables users, virtualdomains and aliases */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/rows_tables.h"
#include "lib/address.h"

void
rows_take_users(struct rows *r, struct slice words)
{
	struct slice pattern = slice_word(&words), mailbox = slice_trim(words);
	struct slice key = rows_lower(r, pattern);
	struct slice local, domain;

	if (!rows_right(r, grammar_user_fault(pattern), pattern) ||
	    !rows_right(r, grammar_mailbox_fault(mailbox), mailbox) ||
	    !rows_first(r, key, pattern))
		return;
	seen_put(&r->seen, "users of", rows_domain(key), rows_mark(r));
	address_split(key, &local, &domain);
	if (local.len > 2 && memcmp(local.at + local.len - 2, "-*", 2) == 0) {
		r->has |= KEYS_HAS_EXTENSIONS;
		rows_note_extension(r, local.len - 1);
	}
	r->needs |= CONFIG_NEEDS_QUEUE;
	r->needs |= CONFIG_NEEDS_MAILDIR;
	rows_put(r, key, mailbox);
}

static const char *
virtual_fault(struct slice key)
{
	if (key.len == 0 || grammar_domain(key) || grammar_suffix(key) ||
	    grammar_address(key))
		return NULL;
	return "$ is not a pattern of virtualdomains; write user@domain, "
	       "domain or .suffix, or nothing in front of the colon";
}

/* KEY:PREPEND */
void
rows_take_virtualdomains(struct rows *r, struct slice words)
{
	size_t colon = slice_find(words, ':');
	struct slice key = slice_of(words.at, colon), prepend;

	if (colon == words.len) {
		rows_wrong(r,
			   "$ has no colon; write DOMAIN:PREFIX, such as "
			   "example.org:joe",
			   words);
		return;
	}
	prepend = slice_from(words, colon + 1);
	if (!rows_right(r, virtual_fault(key), key.len ? key : words) ||
	    (prepend.len > 0 &&
	     !rows_right(r, grammar_local_part_fault(prepend), prepend)) ||
	    !rows_first(r, rows_lower(r, key), words))
		return;
	r->has |= KEYS_HAS_VIRTUALDOMAINS;
	seen_put(&r->seen, "virtual", rows_domain(rows_lower(r, key)), 1);
	buf_clear(&r->text);
	buf_puts(&r->text, rows_lower(r, prepend));
	rows_note_suffix(r, KEYS_DEPTHS_VIRTUALDOMAINS, key);
	rows_put(r, rows_lower(r, key), buf_slice(&r->text));
}

static bool
is_one_word(struct slice words)
{
	slice_word(&words);
	return slice_word(&words).len == 0;
}

/* One of several may be the address itself: it keeps a copy. */
static bool
targets(struct rows *r, struct slice words, struct slice key, struct buf *out)
{
	bool is_alone = is_one_word(words);
	struct slice word;

	while ((word = slice_word(&words)).len > 0) {
		if (!rows_right(r,
				grammar_address(word)
				    ? NULL
				    : "$ is not an address; write user@domain",
				word))
			return false;
		if (is_alone && slice_case_eq(word, key)) {
			rows_wrong(r,
				   "$ is what stands in front; mail would go "
				   "in circles",
				   word);
			return false;
		}
		if (out->len > 0)
			buf_putc(out, ' ');
		buf_puts(out, word);
	}
	return true;
}

void
rows_take_aliases(struct rows *r, struct slice words)
{
	struct slice pattern = slice_word(&words);
	struct buf out = {0};

	if (rows_right(r, grammar_user_fault(pattern), pattern) &&
	    targets(r, words, pattern, &out) &&
	    rows_first(r, rows_lower(r, pattern), pattern)) {
		r->has |= KEYS_HAS_ALIASES;
		r->needs |= CONFIG_NEEDS_QUEUE;
		seen_put(&r->seen, "users of",
			 rows_domain(rows_lower(r, pattern)), rows_mark(r));
		rows_put(r, rows_lower(r, pattern), buf_slice(&out));
	}
	buf_free(&out);
}
