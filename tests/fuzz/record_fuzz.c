/* record - the queue's log: records and entries of any bytes, there and back;
 * one flipped bit is seen; a scan finds each whole record, and only those */
#include "lib/crc32c.h"
#include "queue/segment_scan.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static uint32_t
number(struct slice *in)
{
	uint32_t v = 0;
	int i;

	for (i = 0; i < 4; i++)
		v = v << 8 | fuzz_byte(in);
	return v;
}

/* Parsed, and put again: the same bytes. */
static void
m_again(struct slice payload)
{
	static struct buf out;
	struct entry_m m;

	if (entry_m_parse_head(payload, &m) == 0) {
		buf_clear(&out);
		entry_m_put(&out, &m);
		fuzz_check(out.len == ENTRY_M_HEAD);
		fuzz_check(slice_starts(payload, buf_slice(&out)));
	}
	if (entry_m_parse(payload, &m) == 0) {
		fuzz_check(m.id != 0 && m.n_rcpts > 0 && m.birth_us >= 0);
		fuzz_check(m.env_len <= payload.len - ENTRY_M_HEAD);
	}
}

static void
s_p_again(struct slice payload)
{
	static struct buf out;
	struct entry_s s;
	struct entry_p p;

	if (entry_s_parse(payload, &s) == 0) {
		buf_clear(&out);
		entry_s_put(&out, &s);
		fuzz_check(slice_eq(buf_slice(&out), payload));
		fuzz_check(s.code == 'K' || s.code == 'D');
	}
	if (entry_p_parse(payload, &p) == 0) {
		buf_clear(&out);
		entry_p_put(&out, &p);
		fuzz_check(slice_eq(buf_slice(&out), payload));
	}
}

static void
keys(struct slice payload)
{
	static struct buf out;
	struct entry_key k;
	struct entry_h h;

	if (entry_key_parse(payload, &k) == 0) {
		buf_clear(&out);
		entry_key_put(&out, &k);
		fuzz_check(
		    slice_starts(payload, slice_of(out.mem + out.off, 24)));
		fuzz_check(k.id == 0 || payload.len >= ENTRY_KEY_LINE);
	}
	entry_h_parse(payload, &h);
}

static void
attributes(struct slice payload)
{
	struct slice value, list;
	uint64_t id, index;

	if (entry_attr(payload, "settles", &value)) {
		fuzz_check(value.at >= payload.at &&
			   value.at + value.len <= payload.at + payload.len);
		if (entry_settles(&value, &id) != 0)
			return;
		for (list = value; entry_next_index(&list, &index);)
			fuzz_check(index <= UINT32_MAX);
		fuzz_check(list.len <= value.len);
	}
}

static void
entries(struct slice in)
{
	char *copy = fuzz_exact(in);
	struct slice payload = slice_of(copy, in.len);
	struct entry_f f = {0, 0, 0, 0}, g;
	static struct buf out;

	m_again(payload);
	s_p_again(payload);
	keys(payload);
	attributes(payload);
	if (entry_f_parse(payload, &f) == 0) {
		buf_clear(&out);
		entry_f_put(&out, &f);
		fuzz_check(out.len == ENTRY_F);
		fuzz_check(entry_f_parse(buf_slice(&out), &g) == 0);
		fuzz_check(f.index_at == g.index_at && f.salt == g.salt &&
			   f.keys_at == g.keys_at && f.n_keys == g.n_keys);
	}
	free(copy);
}

static void
one_bit(struct slice in)
{
	static struct buf out;
	uint32_t segno = number(&in), batch = number(&in), salt = number(&in);
	char type = (char)('A' + fuzz_byte(&in) % 26);
	uint32_t bit = number(&in);
	struct slice payload;
	struct record r;
	size_t place, size;
	char *copy;

	buf_clear(&out);
	place = record_begin(&out);
	buf_puts(&out, in);
	record_end(&out, place, type, segno, batch, salt);
	copy = fuzz_exact(buf_slice(&out));
	size = record_whole(slice_of(copy, out.len), salt, &r, &payload);
	fuzz_check(size == out.len && slice_eq(payload, in));
	fuzz_check(r.type == type && r.segno == segno && r.batch == batch);
	fuzz_check(!record_whole(slice_of(copy, size - 1), salt, &r, &payload));
	fuzz_check(!record_whole(slice_of(copy, size), ~salt, &r, &payload));
	bit %= (uint32_t)(8 * size);
	copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
	fuzz_check(!record_whole(slice_of(copy, size), salt, &r, &payload));
	free(copy);
}

enum { SEGNO = 7, SALT = 0x1234 };

/* A segment as the input says: records, pieces of them, and other bytes. */
static void
make_segment(struct slice in, struct buf *file)
{
	uint32_t batch = 1;

	buf_clear(file);
	while (in.len > 0) {
		uint8_t what = fuzz_byte(&in);
		struct slice s = fuzz_string(&in);
		size_t place;

		if (what & 1) {
			buf_puts(file, s);
			continue;
		}
		place = record_begin(file);
		buf_puts(file, s);
		batch += what >> 6;
		record_end(file, place, 'M', SEGNO + (what >> 1 & 1), batch,
			   place == 0 ? 0 : SALT);
		if (what & 4) /* torn */
			buf_cut(file, place + (file->len - place) / 2);
		if (what & 8)
			file->mem[file->off + file->len - 1] ^= 1;
	}
}

/* Every place where a whole record of ours begins, one behind the other. */
static void
by_hand(struct slice all, struct buf *story)
{
	struct slice payload;
	struct record r;
	size_t at = 0;

	buf_clear(story);
	while (at < all.len) {
		size_t n = record_whole(slice_from(all, at), at ? SALT : 0, &r,
					&payload);

		if (n == 0 || r.segno != SEGNO) {
			at++;
			continue;
		}
		buf_number(story, at);
		fuzz_tell(story, " ", payload);
		at += n;
	}
}

static void
scan(struct slice in)
{
	static struct buf file, expected, story, window;
	static int fd = -1;
	struct segment s = {.segno = SEGNO, .salt = SALT};
	struct segment_scan scan;
	struct slice payload;
	struct record r;
	uint64_t offset;
	int got;

	make_segment(in, &file);
	if (fd < 0)
		fd = memfd_create("segment", MFD_CLOEXEC);
	fuzz_check(ftruncate(fd, 0) == 0);
	fuzz_check(pwrite(fd, buf_slice(&file).at, file.len, 0) ==
		   (ssize_t)file.len);
	s.fd = fd;
	by_hand(buf_slice(&file), &expected);
	buf_clear(&story);
	segment_scan_init(&scan, &s);
	scan.window = window; /* a large one, not to be made each time */
	while ((got = segment_scan_next(&scan, &r, &payload, &offset)) == 1) {
		buf_number(&story, offset);
		fuzz_tell(&story, " ", payload);
	}
	fuzz_check(got == 0);
	window = scan.window;
	buf_clear(&window);
	fuzz_same(&story, &expected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	struct slice in = slice_of((const char *)at, n);

	switch (fuzz_byte(&in) % 3) {
	case 0: entries(in); break;
	case 1: one_bit(in); break;
	case 2: scan(in); break;
	}
	return 0;
}
