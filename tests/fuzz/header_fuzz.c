/* header - the leaf's header and lists of addresses: every cut, every
 * recipient an address, nothing hidden that should be seen or kept that
 * should go, and addresses there and back */
#include "qmqpc/header.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct header h;
	struct buf *told, *out;
	enum header_event last;
	size_t header_len; /* of out */
};

/* No field goes out that must not leave. */
static void
check_names(struct slice header)
{
	static const char *const kept[] = {"bcc", "resent-bcc", "return-path",
					   "content-length"};
	size_t i;

	while (header.len > 0) {
		struct slice line =
		    fuzz_take(&header, slice_find(header, '\n') + 1);
		struct slice name = slice_of(line.at, slice_find(line, ':'));

		if (line.at[0] == ' ' || line.at[0] == '\t')
			continue;
		for (i = 0; i < sizeof kept / sizeof *kept; i++)
			fuzz_check(!slice_case_eq(slice_trim(name),
						  slice_text(kept[i])));
	}
}

static void
tell(struct run *r, enum header_event e, struct slice out)
{
	r->last = e;
	if (e == HEADER_END) {
		r->header_len = r->out->len;
		buf_putc(r->out, '\n');
	}
	buf_puts(r->out, out);
	if (e == HEADER_BAD)
		buf_text(r->told, r->h.is_resent_rcpt ? "R!" : "r!");
	if (e == HEADER_RCPT) {
		struct slice a = slice_of(r->h.list.address, r->h.list.len);

		fuzz_check(a.len > 0 && address_fits(a));
		fuzz_tell(r->told, r->h.is_resent_rcpt ? "R" : "r", a);
	}
	if (e == HEADER_END) {
		buf_text(r->told, "seen ");
		buf_number(r->told, r->h.seen);
	}
}

static bool
push(void *user, struct slice in)
{
	struct run *r = user;
	struct slice out;

	while (in.len > 0 && r->last != HEADER_END) {
		enum header_event e = header_push(&r->h, &in, &out);

		tell(r, e, out);
	}
	buf_puts(r->out, in); /* text */
	return true;
}

static void
run(struct slice in, struct fuzz_cuts *cuts, bool drops_from, struct buf *told,
    struct buf *out)
{
	struct run r = {.h = {.drops_from = drops_from},
			.told = told,
			.out = out,
			.last = HEADER_MORE};
	struct slice more;
	unsigned n = 0;

	buf_clear(told);
	buf_clear(out);
	fuzz_feed(in, cuts, push, &r);
	while (r.last != HEADER_END) {
		enum header_event e = header_finish(&r.h, &more);

		tell(&r, e, more);
		fuzz_check(++n < 5);
	}
	check_names(slice_of(buf_slice(out).at, r.header_len));
}

/* Once through, what goes out is a header of which nothing is to be dropped:
 * it comes out of a second run as it went in. */
static void
again(const struct buf *out)
{
	static struct buf told, second;

	run(buf_slice(out), NULL, false, &told, &second);
	fuzz_same(&second, out);
}

static void
list(struct slice in, struct buf *story, struct buf *quoted)
{
	struct addrlist a = {.len = 0};
	enum addrlist_event e = ADDRLIST_MORE;
	size_t i;

	buf_clear(story);
	buf_clear(quoted);
	for (i = 0; i <= in.len && e != ADDRLIST_BAD; i++) {
		e = i < in.len ? addrlist_push(&a, (uint8_t)in.at[i])
			       : addrlist_end(&a);
		fuzz_check(a.len <= ADDRESS_MAX);
		if (e == ADDRLIST_BAD)
			buf_text(story, "BAD");
		if (e == ADDRLIST_ADDRESS) {
			struct slice one = slice_of(a.address, a.len);

			fuzz_check(one.len > 0 && address_fits(one));
			buf_putc(story, a.has_domain ? 'd' : 'n');
			fuzz_tell(story, "", one);
			buf_text(quoted, "x <");
			address_put_quoted(quoted, one);
			buf_text(quoted, ">, ");
		}
	}
	if (e == ADDRLIST_BAD)
		fuzz_check(addrlist_push(&a, 'x') == ADDRLIST_BAD);
}

/* An address with an '@' inside of quotes and none outside would come back
 * another: it has no domain, but its bytes say that it has. */
static bool
is_clear(const struct buf *story)
{
	struct slice s = buf_slice(story);

	return !memmem(s.at, s.len, "BAD", 3) &&
	       (s.len == 0 || s.at[0] == 'd') && !memmem(s.at, s.len, " n(", 3);
}

static void
lists(struct slice in)
{
	static struct buf first, second, quoted, ignored;

	list(in, &first, &quoted);
	if (!is_clear(&first))
		return;
	list(buf_slice(&quoted), &second, &ignored);
	fuzz_same(&first, &second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
	static struct buf told, out, told_cut, out_cut;
	struct slice in = slice_of((const char *)at, n);
	struct fuzz_cuts cuts = fuzz_cuts_take(&in);
	uint8_t what = fuzz_byte(&in);

	in = fuzz_long(in);
	if (what & 1) {
		lists(in);
		return 0;
	}
	run(in, NULL, what & 2, &told, &out);
	run(in, &cuts, what & 2, &told_cut, &out_cut);
	fuzz_same(&told, &told_cut);
	fuzz_same(&out, &out_cut);
	again(&out);
	return 0;
}
