#include "cdb/rows.h"

#include "cdb/keys.h"
#include "lib/address.h"

#include <errno.h>

/* saying what is wrong */

void
rows_wrong(struct rows *r, const char *text, struct slice word)
{
	report_line(&r->report->errors, r->table, r->line, text, &word);
}

void
rows_warn(struct rows *r, const char *text, struct slice word)
{
	report_line(&r->report->warnings, r->table, r->line, text, &word);
}

/* Is the word right? */
bool
rows_right(struct rows *r, const char *fault, struct slice word)
{
	if (fault)
		rows_wrong(r, fault, word);
	return !fault;
}

/* Is the key the first of its kind? */
bool
rows_first(struct rows *r, struct slice key, struct slice word)
{
	uint32_t earlier = seen_put(&r->seen, r->table, key, r->line);

	if (!earlier)
		return true;
	buf_clear(&r->text);
	buf_text(&r->text, "$ stands on line ");
	buf_number(&r->text, earlier);
	buf_text(&r->text, " already; keep one of the two lines");
	buf_putc(&r->text, 0);
	rows_wrong(r, r->text.mem, word);
	return false;
}

/* writing */

void
rows_put(struct rows *r, struct slice key, struct slice value)
{
	buf_clear(&r->key);
	buf_text(&r->key, r->table);
	buf_putc(&r->key, 0);
	buf_puts(&r->key, key);
	buf_clear(&r->value);
	buf_text(&r->value, r->table);
	buf_putc(&r->value, ':');
	buf_number(&r->value, r->line);
	buf_putc(&r->value, 0);
	buf_puts(&r->value, value);
	if (map_add(r->out, buf_slice(&r->key), buf_slice(&r->value)) != 0 &&
	    !r->error)
		r->error = errno;
}

void
rows_put_number(struct rows *r, struct slice key, unsigned number)
{
	buf_clear(&r->text);
	buf_number(&r->text, number);
	rows_put(r, key, buf_slice(&r->text));
}

/* The word in lower case, until the next call. */
struct slice
rows_lower(struct rows *r, struct slice word)
{
	size_t i;

	buf_clear(&r->low);
	for (i = 0; i < word.len; i++) {
		char c = word.at[i];

		buf_putc(&r->low, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
	return buf_slice(&r->low);
}

struct slice
rows_domain(struct slice key)
{
	struct slice local, domain;

	return address_split(key, &local, &domain) ? domain : key;
}

static void
put_lengths(struct rows *r)
{
	struct buf lengths = {0};
	int bits;

	for (bits = NETWORK_BITS; bits >= 0; bits--)
		if (r->lengths[bits])
			buf_putc(&lengths, (char)bits);
	rows_put(r, SLICE(""), buf_slice(&lengths));
	buf_free(&lengths);
}

void
rows_end(struct rows *r)
{
	r->line = 0;
	r->table = KEYS_ACCESS;
	put_lengths(r);
	r->table = KEYS_NEEDS;
	rows_put_number(r, SLICE(""), r->needs);
}

void
rows_free(struct rows *r)
{
	seen_free(&r->seen);
	buf_free(&r->key);
	buf_free(&r->value);
	buf_free(&r->low);
	buf_free(&r->text);
}
