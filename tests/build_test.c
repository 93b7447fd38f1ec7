/* build_test - wrong and doubtful tables, and exactly what is said of them */
#include "cdb/grammar.h"
#include "cdb/tables.h"
#include "tests/tables.h"

static void
test_lines(void)
{
	static const char text[] = "#a\n\n \t\n x  y \r\n#\nu#v # w\n z";
	static const char told[] = "4(x  y)6(u#v)7(z)";
	struct tables tables = {0};
	struct table t = {0};
	struct table_line line = {0};
	struct buf story = {0};

	buf_text(&t.text, text);
	while (tables_next(&t, &line)) {
		buf_number(&story, line.number);
		buf_putc(&story, '(');
		buf_puts(&story, line.words);
		buf_putc(&story, ')');
	}
	ok(slice_eq(buf_slice(&story), SLICE(told)), "lines and comments");
	buf_free(&t.text);
	tables_free(&tables);
	buf_free(&story);
}

/* wrong tables: tests/golden.t has them */

#define FEW(form) "this line has too few words; write " form "\n"

static void
test_wrong(void)
{
	struct buf before = {0}, after = {0};

	good_tables();
	says("before", BUILD_DONE, "", "");
	read_all("config.cdb", &before);
	no_tables();
	table("routes", "x\n");
	table("users", "y\n");
	says("several tables", BUILD_WRONG, "",
	     "me: there is no such file; write one line, this host's full "
	     "name, such as mail.example.org\n"
	     "users:1:2: " FEW("PATTERN maildir:PATH") "routes:1:2: " FEW(
		 "PATTERN NEXTHOP..."));
	read_all("config.cdb", &after);
	ok(slice_eq(buf_slice(&before), buf_slice(&after)),
	   "nothing was replaced");
	ok(access("config.cdb.tmp", F_OK) != 0, "nothing is left over");
	no_tables();
	mkdir("me", 0700);
	says("a directory", BUILD_FAILED, "", "me: Is a directory\n");
	rmdir("me");
	buf_free(&before);
	buf_free(&after);
}

static void
test_names(void)
{
	char name[300];
	size_t i;

	memset(name, 'a', sizeof name);
	ok(grammar_domain(slice_of(name, 63)) &&
	       !grammar_domain(slice_of(name, 64)),
	   "labels of 63 bytes");
	for (i = 50; i < sizeof name; i += 50)
		name[i] = '.';
	ok(grammar_domain(slice_of(name, 253)) &&
	       !grammar_domain(slice_of(name, 254)),
	   "domains of 253 bytes");
	ok(grammar_domain(SLICE("_x.a-b.9")) && !grammar_domain(SLICE("")) &&
	       !grammar_domain(SLICE("a-.b")) &&
	       !grammar_domain(SLICE("a b")) &&
	       !grammar_domain(slice_of("a\0b", 3)),
	   "what a domain is");
	ok(grammar_host(SLICE("192.0.2.1")) && grammar_host(SLICE("::1")) &&
	       grammar_host(SLICE("4.example")) && !grammar_host(SLICE("1.2")),
	   "what a host is");
}

static void
test_flood(void)
{
	struct buf text = {0};
	struct report r;
	int i;

	for (i = 0; i < 5000; i++)
		buf_text(&text, "?\n");
	no_tables();
	table("me", "a");
	write_file("locals", buf_slice(&text).at, text.len);
	report_init(&r);
	ok(config_build(".", &r) == BUILD_WRONG && r.errors.n == 5000 &&
	       r.errors.text.len < 200000,
	   "five thousand errors are counted, not all told");
	report_free(&r);
	buf_clear(&text);
	memset(buf_room(&text, 70000), 'a', 70000);
	buf_added(&text, 70000);
	write_file("locals", buf_slice(&text).at, text.len);
	says("a long line", BUILD_WRONG, "",
	     "locals:1:70001: this line is longer than 65536 bytes; shorten "
	     "it\n");
	buf_free(&text);
}

static void
test_warnings(void)
{
	no_tables();
	table("me", "hub.example\n");
	table("listen", "qmtp 127.0.0.1:209\n");
	table("access", "0.0.0.0/0 relay\n::/0 relay\n0.0.0.0/1 relay\n");
	table("locals", "a.example\nb.example\nc.example\n");
	table("users", "x@B.example maildir:x\n*@c.example maildir:c\n"
		       "y@d.example maildir:y\n");
	table("routes", ".e.example hold\nx@a.example hold\nb.example hold\n"
			"f.example qmtp:127.0.0.1:210\n");
	table("rcpthosts", "a.example\n.e.example\nx.e.example\n.x.e.example\n"
			   "e.example\nf.example\n.f.example\n");
	says(
	    "warnings", BUILD_DONE,
	    "access:1:1: warning: \"0.0.0.0/0\" relays for everybody, spammers "
	    "too; name only your own networks\n"
	    "access:2:1: warning: \"::/0\" relays for everybody, spammers too; "
	    "name only your own networks\n"
	    "me:1:1: warning: no line of locals or routes says where mail for "
	    "\"hub.example\" goes, the node's own reports among it; add it "
	    "to one of them\n"
	    "locals:1:1: warning: \"a.example\" has no line in users, so all "
	    "its mail is refused; add one there, such as: *@DOMAIN "
	    "maildir:mail/%u\n"
	    "rcpthosts:5:1: warning: \"e.example\" is accepted from strangers, "
	    "but no line of locals or routes says where it goes; add it to "
	    "one of them\n"
	    "rcpthosts:7:1: warning: \".f.example\" is accepted from "
	    "strangers, but no line of locals or routes says where it goes; "
	    "add it to one of them\n"
	    "users:3:1: warning: \"y@d.example\" is of a domain that is not in "
	    "locals, so this line is never used; add the domain to locals\n"
	    "routes:2:1: warning: \"x@a.example\" is of a domain in locals, "
	    "whose mail goes to users and never here; take the domain out of "
	    "locals, or this line away\n"
	    "routes:3:1: warning: \"b.example\" is of a domain in locals, "
	    "whose mail goes to users and never here; take the domain out of "
	    "locals, or this line away\n",
	    "");
}

int
main(void)
{
	tables_begin();
	test_lines();
	test_names();
	test_wrong();
	test_flood();
	test_warnings();
	tables_end();
	return tap_done();
}
