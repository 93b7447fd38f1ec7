#include "cdb/rows.h"

#include "cdb/config.h"
#include "cdb/digest.h"
#include "cdb/keys.h"
#include "cdb/network.h"
#include "lib/address.h"
#include "lib/die.h"

#include <errno.h>
#include <stdlib.h>

/* saying what is wrong */

static uint32_t
column(const struct rows *r, struct slice word)
{
	struct slice whole = r->whole, first = whole;

	if (!r->line)
		return 0;
	if (word.len == 0)
		return (uint32_t)(slice_trim(whole).at - whole.at) +
		       (uint32_t)slice_trim(whole).len + 1;
	if ((uintptr_t)word.at < (uintptr_t)whole.at ||
	    (uintptr_t)word.at >= (uintptr_t)whole.at + whole.len)
		word = slice_word(&first);
	return (uint32_t)(word.at - whole.at) + 1;
}

void
rows_wrong(struct rows *r, const char *text, struct slice word)
{
	report_line(&r->report->errors, r->file, r->line, column(r, word), text,
		    &word);
}

void
rows_warn(struct rows *r, const char *text, struct slice word)
{
	report_line(&r->report->warnings, r->file, r->line, column(r, word),
		    text, &word);
}

void
rows_unused(struct rows *r, const char *text, struct slice word)
{
	if (!seen_put(&r->seen, "unused", slice_text(text), 1))
		rows_warn(r, text, word);
}

bool
rows_right(struct rows *r, const char *fault, struct slice word)
{
	if (fault)
		rows_wrong(r, fault, word);
	return !fault;
}

uint64_t
rows_mark(const struct rows *r)
{
	return (uint64_t)r->file_n << 32 | r->line;
}

void
rows_place(const struct rows *r, uint64_t mark, struct buf *out)
{
	uint32_t file = (uint32_t)(mark >> 32);

	buf_text(out, file == r->file_n ? "line" : r->files->files[file].name);
	buf_putc(out, file == r->file_n ? ' ' : ':');
	buf_number(out, (uint32_t)mark);
}

bool
rows_first_of(struct rows *r, const char *set, struct slice key,
	      struct slice word)
{
	uint64_t earlier = seen_put(&r->seen, set, key, rows_mark(r));

	if (!earlier)
		return true;
	buf_clear(&r->text);
	buf_text(&r->text,
		 earlier >> 32 == r->file_n ? "$ stands on " : "$ stands in ");
	rows_place(r, earlier, &r->text);
	buf_text(&r->text, " already; keep one of the two lines");
	buf_putc(&r->text, 0);
	rows_wrong(r, r->text.mem, word);
	return false;
}

bool
rows_first(struct rows *r, struct slice key, struct slice word)
{
	return rows_first_of(r, r->table, key, word);
}

/* writing */

void
rows_put_in(struct rows *r, const char *table, struct slice key,
	    struct slice value)
{
	buf_clear(&r->key);
	buf_text(&r->key, table);
	buf_putc(&r->key, 0);
	buf_puts(&r->key, key);
	buf_clear(&r->value);
	buf_text(&r->value, r->file);
	buf_putc(&r->value, ':');
	buf_number(&r->value, r->line);
	buf_putc(&r->value, 0);
	buf_puts(&r->value, value);
	if (map_add(r->out, buf_slice(&r->key), buf_slice(&r->value)) != 0 &&
	    !r->error)
		r->error = errno;
}

void
rows_put(struct rows *r, struct slice key, struct slice value)
{
	rows_put_in(r, r->table, key, value);
}

void
rows_put_number(struct rows *r, struct slice key, uint64_t number)
{
	buf_clear(&r->text);
	buf_number(&r->text, number);
	rows_put(r, key, buf_slice(&r->text));
}

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
put_lengths(struct rows *r, const bool *has)
{
	struct buf lengths = {0};
	int bits;

	for (bits = NETWORK_BITS; bits >= 0; bits--)
		if (has[bits])
			buf_putc(&lengths, (char)bits);
	rows_put(r, SLICE(""), buf_slice(&lengths));
	buf_free(&lengths);
}

static void
put_bits(struct rows *r, const char *table, unsigned bits)
{
	r->table = r->file = table;
	rows_put_number(r, SLICE(""), bits);
}

void
rows_settle(struct rows *r)
{
	if ((r->needs & CONFIG_NEEDS_LEAFDOOR) &&
	    ((r->needs & CONFIG_NEEDS_QUEUE) || !r->has_hubs)) {
		r->needs |= CONFIG_NEEDS_QUEUE;
		r->needs &= ~(unsigned)CONFIG_NEEDS_LEAFDOOR;
	}
}

/* A leaf's listener is for the programs of its own host, unless a line of
 * access says otherwise. */
static void
put_own_host(struct rows *r)
{
	static const char *const own[] = {"127.0.0.0/8", "::1"};
	char key[NETWORK_KEY];
	struct network n;
	size_t i;

	for (i = 0; i < sizeof own / sizeof *own; i++) {
		network_parse(&n, slice_text(own[i]));
		network_key(&n, key);
		r->lengths[n.bits] = true;
		rows_put_number(r, slice_of(key, sizeof key), CONFIG_RELAY);
	}
}

void
rows_end(struct rows *r)
{
	r->line = 0;
	r->table = r->file = KEYS_ACCESS;
	if ((r->needs & CONFIG_NEEDS_LEAFDOOR) && !r->has_access)
		put_own_host(r);
	put_lengths(r, r->lengths);
	r->table = r->file = KEYS_MXNETWORKS;
	if (memchr(r->mx_lengths, true, sizeof r->mx_lengths))
		put_lengths(r, r->mx_lengths);
	put_bits(r, KEYS_NEEDS, r->needs);
	put_bits(r, KEYS_HAS, r->has);
	if (r->locals)
		rows_put(r, SLICE("locals"),
			 slice_of((char *)r->locals, KEYS_FILTER));
	rows_put(r, SLICE("depths"), slice_of(r->depths, sizeof r->depths));
	rows_put(r, SLICE("extensions"),
		 slice_of(r->extensions, sizeof r->extensions));
}

void
rows_note_suffix(struct rows *r, enum keys_depths set, struct slice key)
{
	if (key.len > 0 && key.at[0] == '.')
		keys_set_bit(r->depths + (size_t)set * KEYS_DEPTHS, KEYS_DEPTHS,
			     keys_dots(key));
}

void
rows_note_extension(struct rows *r, size_t len)
{
	keys_set_bit(r->extensions, sizeof r->extensions, len);
}

void
rows_note_local(struct rows *r, struct slice domain)
{
	unsigned bit = keys_filter_bit(digest_hash(domain));

	if (!r->locals && !(r->locals = calloc(1, KEYS_FILTER)))
		die_nomem();
	r->locals[bit / 8] = (unsigned char)(r->locals[bit / 8] | 1 << bit % 8);
}

void
rows_free(struct rows *r)
{
	free(r->locals);
	seen_free(&r->seen);
	buf_free(&r->key);
	buf_free(&r->value);
	buf_free(&r->low);
	buf_free(&r->text);
}
