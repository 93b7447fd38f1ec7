/* tags_test.c - headers that choose a pool, at every cut */
#include "queue/tags.h"

#include "lib/netstring.h"
#include "tests/tap.h"

static void
reads(const char *text, const char *want)
{
	struct slice all = slice_text(text), rest, one;
	struct tags_names names = {0};
	struct buf out = {0}, said = {0};
	bool good = true;
	size_t cut, i;

	tags_add(&names, SLICE("x-tier"));
	tags_add(&names, SLICE("campaign"));
	for (cut = 1; cut <= all.len; cut++) {
		struct tags t = {0};

		buf_clear(&out);
		buf_clear(&said);
		for (i = 0; i < all.len; i += cut)
			tags_push(&t, &names,
				  slice_of(text + i, all.len - i < cut
							 ? all.len - i
							 : cut),
				  &out);
		for (rest = buf_slice(&out);
		     netstring_slice(&rest, &one) == 0;) {
			buf_puts(&said, one);
			buf_putc(&said, ' ');
		}
		good &= slice_eq(buf_slice(&said), slice_text(want));
	}
	if (!good)
		fprintf(stderr, "# said: %.*s\n", (int)said.len,
			buf_slice(&said).at);
	ok(good, "%s", want);
	buf_free(&out);
	buf_free(&said);
}

int
main(void)
{
	char line[300];
	struct slice name, value;

	reads("A: b\nX-Tier:  Gold \nSubject: c\n\nX: d\n", "tag=x-tier:Gold ");
	reads("Campaign: one\r\nx-tier:two\r\n\r\nX-Tier: no\r\n",
	      "tag=campaign:one tag=x-tier:two ");
	reads("X-Tier: first\nX-Tier: second\n\n", "tag=x-tier:first ");
	reads("X-Tier: a\n b\n\n", "tag=x-tier:a ");
	reads(" X-Tier: a\nX-Tie: b\nX-Tiers: c\nX-Tier\n\n", "");
	reads("\nX-Tier: body\n", "");
	reads("X-Tier: a", "");
	memset(line, 'a', sizeof line);
	memcpy(line, "X-Tier: ", 8);
	line[298] = '\n';
	line[299] = 0;
	reads(line, "");
	ok(tags_split(SLICE("tag=x-tier:a:b"), &name, &value) &&
	       slice_eq(name, SLICE("x-tier")) &&
	       slice_eq(value, SLICE("a:b")) &&
	       !tags_split(SLICE("client=x"), &name, &value),
	   "and back");
	return tap_done();
}
