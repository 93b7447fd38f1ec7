/* rewrite_test - the table rewrite: what is refused, and what it answers */
#include "cdb/config.h"
#include "tests/tables.h"

static void
test_wrong(void)
{
	no_tables();
	table("me", "leaf.test\n");
	table("rewrite", "rcpt root@leaf.test\n"
			 "to root@leaf.test a@b.test\n"
			 "rcpt root a@b.test\n"
			 "rcpt *@ a@b.test\n"
			 "from * %d@b.test\n"
			 "from * b.test\n"
			 "from * %u@-b\n"
			 "sender a@b.test c@d.test\n"
			 "rcpt a@b.test c@d.test\n"
			 "sender A@b.test e@f.test\n"
			 "rcpt * a@b.test c@d.test\n");
	says("wrong lines", BUILD_WRONG, "",
	     "rewrite:1:20: this line has too few words; write WHAT PATTERN "
	     "ADDRESS\n"
	     "rewrite:2:1: \"to\" is not what can be rewritten; write rcpt, "
	     "sender or from\n"
	     "rewrite:3:6: \"root\" is not a pattern; write user@domain, "
	     "*@domain or *\n"
	     "rewrite:4:6: \"*@\" is not a pattern; write user@domain, "
	     "*@domain or *\n"
	     "rewrite:5:8: \"%d@b.test\" is not an address; write user@domain, "
	     "or %u@domain to keep the local part\n"
	     "rewrite:6:8: \"b.test\" is not an address; write user@domain, or "
	     "%u@domain to keep the local part\n"
	     "rewrite:7:8: \"%u@-b\" is not an address; write user@domain, or "
	     "%u@domain to keep the local part\n"
	     "rewrite:10:8: \"A@b.test\" stands on line 8 already; keep one of "
	     "the two lines\n"
	     "rewrite:11:17: this line has more words than it may, beginning "
	     "with \"c@d.test\"; write WHAT PATTERN ADDRESS\n");
}

static const struct {
	const char *what, *address, *to, *source;
} answers[] = {
    {"rcpt", "root@leaf.test", "ops@example.org", "rewrite:1"},
    {"rcpt", "Root@LEAF.test", "ops@example.org", "rewrite:1"},
    {"rcpt", "Joe@leaf.test", "Joe@example.org", "rewrite:3"},
    {"rcpt", "a@b@leaf.test", "a@b@example.org", "rewrite:3"},
    {"rcpt", "joe@sub.leaf.test", NULL, NULL},
    {"rcpt", "joe@xleaf.test", NULL, NULL},
    {"rcpt", "joe", NULL, NULL},
    {"rcpt", "", NULL, NULL},
    {"sender", "root@leaf.test", "noreply@example.org", "rewrite:4"},
    {"sender", "x@y.test", "noreply@example.org", "rewrite:4"},
    {"from", "joe@leaf.test", "joe@example.org", "rewrite:2"},
    {"from", "joe@other.test", NULL, NULL},
};

static void
test_answers(void)
{
	struct buf out = {0}, why = {0}, big = {0};
	struct config c = {0};
	struct slice source;
	size_t i;

	no_tables();
	table("me", "leaf.test\n");
	table("rewrite", "rcpt root@leaf.test ops@example.org\n"
			 "from *@leaf.test %u@example.org\n"
			 "rcpt *@Leaf.test %u@example.org\n"
			 "sender * noreply@example.org\n"
			 "sender root@leaf.test never@example.org\n");
	says("right lines", BUILD_DONE, "", "");
	ok(config_open(&c, "config.cdb", &why) == 0, "it opens");
	for (i = 0; i < sizeof answers / sizeof *answers; i++) {
		bool is;

		buf_clear(&out);
		is = config_rewrite(&c, answers[i].what,
				    slice_text(answers[i].address), &out,
				    &source);
		ok(is ? answers[i].to &&
			    slice_eq(buf_slice(&out),
				     slice_text(answers[i].to)) &&
			    slice_eq(source, slice_text(answers[i].source))
		      : !answers[i].to && out.len == 0,
		   "%s %s: %s", answers[i].what, answers[i].address,
		   answers[i].to ? answers[i].to : "stays");
	}
	for (i = 0; i < 890; i++)
		buf_putc(&big, 'x');
	buf_text(&big, "@leaf.test");
	buf_clear(&out);
	ok(!config_rewrite(&c, "rcpt", buf_slice(&big), &out, &source) &&
	       out.len == 0,
	   "what would be too long stays");
	config_close(&c);
	buf_free(&out);
	buf_free(&why);
	buf_free(&big);
}

int
main(void)
{
	tables_begin();
	test_wrong();
	test_answers();
	tables_end();
	return tap_done();
}
