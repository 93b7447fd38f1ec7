/* record_test - one record of the log: there and back, and every damage */
#include "lib/crc32c.h"
#include "lib/record.h"

#include "tests/tap.h"

#include <stdlib.h>

enum { SALT = 0x5eed1234, SEGNO = 0x69300001, BATCH = 0x2a };

static struct buf
make(struct slice payload, char type, uint32_t salt)
{
	struct buf b = {0};
	size_t place = record_begin(&b);

	buf_puts(&b, payload);
	record_end(&b, place, type, SEGNO, BATCH, salt);
	return b;
}

static bool
whole(struct slice s, uint32_t salt)
{
	struct record r;
	struct slice payload;
	char *copy = malloc(s.len ? s.len : 1);
	size_t size;

	memcpy(copy, s.at, s.len);
	size = record_whole(slice_of(copy, s.len), salt, &r, &payload);
	free(copy);
	return size > 0;
}

static const struct slice text = SLICE("hello\0world\r\nQL1 \xff, no newline");

static void
test_round_trip(void)
{
	struct buf b = make(text, 'M', SALT);
	struct slice payload;
	struct record r;

	ok(b.len == RECORD_EXTRA + text.len, "the size is as promised");
	ok(slice_starts(buf_slice(&b), SLICE("QL1 M 69300001 0000002a "
					     "0000001e ")) &&
	       b.mem[RECORD_HEAD - 1] == '\n' && b.mem[b.len - 1] == '\n',
	   "the head can be read by people");
	ok(record_whole(buf_slice(&b), SALT, &r, &payload) == b.len &&
	       r.type == 'M' && r.segno == SEGNO && r.batch == BATCH &&
	       r.len == text.len && slice_eq(payload, text),
	   "all of it comes back");
	buf_puts(&b, SLICE("QL1 "));
	ok(record_whole(buf_slice(&b), SALT, &r, &payload) == b.len - 4,
	   "what is behind does not matter");
	buf_free(&b);
	b = make(SLICE(""), 'S', SALT);
	ok(record_whole(buf_slice(&b), SALT, &r, &payload) == RECORD_EXTRA &&
	       payload.len == 0,
	   "an empty payload");
	buf_free(&b);
}

/* Three records in one buffer whose front has been taken. */
static void
test_many(void)
{
	struct buf b = {0};
	struct slice in, payload;
	struct record r;
	size_t i, place, size;

	buf_text(&b, "taken");
	for (i = 0; i < 3; i++) {
		place = record_begin(&b);
		buf_number(&b, i);
		record_end(&b, place, (char)('A' + i), SEGNO, BATCH, SALT);
		if (i == 0)
			buf_take(&b, 5);
	}
	in = buf_slice(&b);
	for (i = 0; i < 3; i++) {
		size = record_whole(in, SALT, &r, &payload);
		ok(size == RECORD_EXTRA + 1 && r.type == 'A' + (char)i &&
		       payload.at[0] == '0' + (char)i,
		   "record %zu of three", i);
		in = slice_from(in, size);
	}
	ok(in.len == 0, "and nothing behind");
	buf_free(&b);
}

static void
test_damage(void)
{
	struct buf b = make(text, 'M', SALT);
	size_t i, bit, flips = 0, cuts = 0;

	for (i = 0; i < b.len; i++)
		for (bit = 0; bit < 8; bit++) {
			b.mem[i] = (char)(b.mem[i] ^ 1 << bit);
			flips += whole(buf_slice(&b), SALT);
			b.mem[i] = (char)(b.mem[i] ^ 1 << bit);
		}
	ok(flips == 0, "every flipped bit is found (%zu slip)", flips);
	for (i = 0; i < b.len; i++)
		cuts += whole(slice_of(b.mem, i), SALT);
	ok(cuts == 0, "every cut is found (%zu slip)", cuts);
	ok(whole(buf_slice(&b), SALT), "unharmed it is good");
	ok(!whole(buf_slice(&b), SALT + 1) && !whole(buf_slice(&b), 0),
	   "another segment's salt");
	memset(b.mem, 0, b.len);
	ok(!whole(buf_slice(&b), SALT) && !whole(buf_slice(&b), 0), "zeros");
	buf_free(&b);
}

/* Every damaged length is refused, and none makes us read beyond. */
static void
test_lengths(void)
{
	static const char *const lengths[] = {
	    "0000001d", "0000001f", "00000000", "ffffffff", "02000000",
	    "02000001", "7fffffff", "0000002g", "0000002A", "        ",
	};
	size_t i;

	for (i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct buf b = make(text, 'M', SALT);

		memcpy(b.mem + 24, lengths[i], 8);
		ok(!whole(buf_slice(&b), SALT), "length %s", lengths[i]);
		buf_free(&b);
	}
}

static void
test_heads(void)
{
	struct buf b = make(text, 'M', SALT);
	struct record r;

	ok(record_head(buf_slice(&b), &r) == 0 && r.len == text.len,
	   "a head alone is read");
	ok(record_head(slice_of(b.mem, RECORD_HEAD), &r) == 0 &&
	       record_head(slice_of(b.mem, RECORD_HEAD - 1), &r) == -1,
	   "of its 42 bytes");
	memcpy(b.mem + 24, "02000001", 8);
	ok(record_head(buf_slice(&b), &r) == -1, "none over the limit");
	memcpy(b.mem + 24, "02000000", 8);
	ok(record_head(buf_slice(&b), &r) == 0, "the limit itself is");
	b.mem[4] = 'm';
	ok(record_head(buf_slice(&b), &r) == -1, "a small letter is no type");
	buf_free(&b);
}

/* A message can hold a record, even one that was valid once, but not one
 * that is valid in the segment that it will lie in. */
static void
test_imitation(void)
{
	struct buf inner = make(SLICE("I was never sent"), 'M', 0);
	struct buf outer = make(buf_slice(&inner), 'M', SALT);
	struct slice payload;
	struct record r;
	size_t i, found = 0;

	for (i = 1; i < outer.len; i++)
		found += record_whole(slice_from(buf_slice(&outer), i), SALT,
				      &r, &payload) > 0;
	ok(found == 0, "an imitation inside a payload is no record");
	ok(whole(slice_from(buf_slice(&outer), RECORD_HEAD), 0),
	   "though it would be with its own salt");
	buf_free(&inner);
	buf_free(&outer);
}

/* A text whose checksum is known is not read again, and counts the same. */
static void
test_summed(void)
{
	struct buf whole_read = make(text, 'M', SALT);
	size_t n;
	bool same = true;

	for (n = 0; n <= text.len; n++) {
		struct slice end = slice_from(text, text.len - n);
		struct buf b = {0};
		size_t place = record_begin(&b);

		buf_puts(&b, text);
		record_end_summed(&b, place, 'M', SEGNO, BATCH, SALT,
				  crc32c(0, end), end.len);
		same = same && slice_eq(buf_slice(&b), buf_slice(&whole_read));
		buf_free(&b);
	}
	ok(same, "the same record, with the end's checksum given");
	buf_free(&whole_read);
}

int
main(void)
{
	test_round_trip();
	test_many();
	test_damage();
	test_lengths();
	test_heads();
	test_imitation();
	test_summed();
	return tap_done();
}
