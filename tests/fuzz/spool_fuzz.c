/* spool - a file of the leaf's spool: what is read as one would be written so,
 * byte by byte, and whatever is written is read */
#include "lib/address.h"
#include "lib/limits.h"
#include "lib/netstring.h"
#include "lib/record.h"
#include "qmqpc/spool_entry.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

static void
parse(struct slice record)
{
	static struct buf again;
	char *copy = fuzz_exact(record);
	struct slice all = slice_of(copy, record.len), sender, rcpts, one;
	struct spool_entry e;
	uint32_t n = 0;

	if (spool_entry_parse(all, &e, &sender, &rcpts) == 0) {
		struct spool_entry f = e;

		fuzz_check(spool_entry_size(all) <= all.len);
		fuzz_check(e.n_rcpts > 0 && e.n_rcpts <= LIMIT_RCPTS);
		fuzz_check(e.text_len <= LIMIT_TEXT && address_fits(sender));
		buf_clear(&again);
		spool_entry_put(&again, &f, sender, rcpts);
		fuzz_check(slice_starts(all, buf_slice(&again)));
		fuzz_check(spool_entry_size(all) == again.len);
		while (netstring_slice(&rcpts, &one) == 0) {
			fuzz_check(address_fits(one));
			n++;
		}
		fuzz_check(rcpts.len == 0 && n == e.n_rcpts);
	}
	free(copy);
}

/* What is in it is the input's; the record around it is right. */
static void
sealed(struct slice in)
{
	static struct buf record;
	size_t place;

	buf_clear(&record);
	place = record_begin(&record);
	buf_puts(&record, in);
	record_end(&record, place, 'M', 0, 0, 0);
	parse(buf_slice(&record));
}

static void
written(struct slice in)
{
	static struct buf record, rcpts;
	struct spool_entry e = {.text_len = fuzz_byte(&in),
				.birth_us = fuzz_byte(&in),
				.text_crc = fuzz_byte(&in)};
	struct slice sender = fuzz_string(&in), s, r;
	bool good = address_fits(sender);
	struct spool_entry f;

	buf_clear(&record);
	buf_clear(&rcpts);
	while (in.len > 0) {
		struct slice rcpt = fuzz_string(&in);

		good &= address_fits(rcpt);
		netstring_put(&rcpts, rcpt);
		e.n_rcpts++;
	}
	good &= e.n_rcpts > 0;
	spool_entry_put(&record, &e, sender, buf_slice(&rcpts));
	fuzz_check(good ==
		   (spool_entry_parse(buf_slice(&record), &f, &s, &r) == 0));
	if (good)
		fuzz_check(slice_eq(s, sender) &&
			   slice_eq(r, buf_slice(&rcpts)) &&
			   f.text_len == e.text_len);
	parse(buf_slice(&record));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);

	switch (fuzz_byte(&in) % 3) {
	case 0: parse(in); break;
	case 1: sealed(in); break;
	case 2: written(in); break;
	}
	return 0;
}
