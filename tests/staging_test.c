/* staging_test.c - what unfinished messages may hold */
#include "queue/staging.h"
#include "tests/tap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char text[STAGING_SHORT];

static void
test_counts_memory(void)
{
	struct staging st;
	struct incoming a = {.id = 1}, b = {.id = 2};
	struct staging_part part_a = {0}, part_b = {0};

	staging_init(&st);
	buf_put(&a.text, text, 1000);
	buf_put(&a.text, text, 1);
	buf_put(&b.rcpts, text, 300);
	staging_count(&st, &part_a, &a, false);
	staging_count(&st, &part_b, &b, true);
	ok(st.used == 2000 + 300 + 2 * STAGING_EACH,
	   "what counts is what their buffers take, not what is in them");
	buf_put(&b.sender, text, 256);
	buf_put(&b.attrs, text, 512);
	staging_count(&st, &part_b, &b, true);
	ok(st.used == 2000 + 300 + 256 + 512 + 2 * STAGING_EACH,
	   "all of the envelope");
	ok(st.held[false] == part_a.bytes && st.held[true] == part_b.bytes,
	   "clients who may relay by themselves");
	staging_count(&st, &part_a, NULL, false);
	ok(st.used == part_b.bytes && part_a.bytes == 0, "one is gone");
	staging_count(&st, &part_b, NULL, true);
	ok(st.used == 0 && st.held[false] == 0 && st.held[true] == 0, "both");
	incoming_free(&a, -1);
	incoming_free(&b, -1);
}

static void
test_limits(void)
{
	struct staging st;

	staging_init(&st);
	st.used = STAGING_MAX - STAGING_MAX / 8;
	ok(staging_small(&st) == INCOMING_SMALL, "an eighth is malloc's");
	st.used++;
	ok(staging_small(&st) == STAGING_SHORT, "... and then it is short");
	st.used = STAGING_HELD - STAGING_HELD / 8;
	ok(!staging_is_spent(&st, false), "up to the last");
	st.used++;
	ok(staging_is_spent(&st, true), "nothing more is given");
	st.used = st.held[false] = STAGING_STRANGERS;
	ok(!staging_is_spent(&st, false), "strangers have a half");
	st.used = ++st.held[false];
	ok(staging_is_spent(&st, false) && !staging_is_spent(&st, true),
	   "... and the other is not theirs");
}

static void
grow(struct staging *st, struct staging_part *part, struct incoming *in,
     bool may_relay)
{
	buf_room(&in->rcpts, in->rcpts.cap + 20 * 1024);
	staging_count(st, part, in, may_relay);
}

static void
test_victims(void)
{
	struct incoming in[3] = {{.id = 1}, {.id = 2}, {.id = 3}};
	struct staging_part part[3] = {0};
	struct staging st;
	int i;

	staging_init(&st);
	for (i = 0; i < 3; i++)
		grow(&st, &part[i], &in[i], i == 0);
	ok(!staging_victim(&st, true), "small ones are nobody's victims");
	for (i = 0; i < 3; i++)
		grow(&st, &part[i], &in[i], i == 0);
	grow(&st, &part[1], &in[1], false);
	ok(staging_victim(&st, false) == &part[1] &&
	       staging_victim(&st, true) == &part[1],
	   "the stranger who is large for the longest");
	staging_keep(&part[1]);
	ok(staging_victim(&st, true) == &part[2], "a complete one is safe");
	staging_count(&st, &part[2], NULL, false);
	ok(!staging_victim(&st, false) && staging_victim(&st, true) == &part[0],
	   "of those who may relay only for their like");
	for (i = 0; i < 3; i++) {
		staging_count(&st, &part[i], NULL, false);
		incoming_free(&in[i], -1);
	}
	ok(st.used == 0 && !staging_victim(&st, true), "nobody is left");
}

/* Pieces that doubling would carry over what is counted on. */
static void
test_short_is_short(void)
{
	char dir[] = "/tmp/quail-staging-XXXXXX", name[BIG_NAME];
	struct incoming in = {.id = 7};
	size_t n, most = 0;
	int fd;

	fd = mkdtemp(dir) ? open(dir, O_RDONLY | O_DIRECTORY) : -1;
	for (n = 0; n < STAGING_SHORT && in.big_fd <= 0; n += 1100) {
		ok(incoming_text(&in, fd, STAGING_SHORT,
				 slice_of(text, 1100)) == 0,
		   "a piece");
		if (in.text.cap > most)
			most = in.text.cap;
	}
	ok(most == STAGING_SHORT, "its buffer grows to the limit, not past it");
	incoming_text(&in, fd, STAGING_SHORT, slice_of(text, 1100));
	ok(in.big_fd > 0 && in.text.cap == 0, "past it, it is a file");
	incoming_free(&in, fd);
	big_name(name, 7);
	ok(faccessat(fd, name, F_OK, 0) != 0, "that is gone");
	close(fd);
	rmdir(dir);
}

static void
test_rest(void)
{
	struct staging st;

	staging_init(&st);
	st.used = st.lately = STAGING_TIDY;
	ok(!staging_rest(&st) && !staging_rest(&st), "a load that goes on");
	st.used = 0;
	ok(!staging_rest(&st), "this second needed it still");
	ok(staging_rest(&st), "this one did not");
	ok(!staging_rest(&st), "once");
	st.used = st.lately = STAGING_TIDY - 1;
	staging_rest(&st);
	st.used = 0;
	ok(!staging_rest(&st) && !staging_rest(&st), "too little to care");
}

int
main(void)
{
	test_counts_memory();
	test_limits();
	test_victims();
	test_short_is_short();
	test_rest();
	return tap_done();
}
