/* build_test - wrong and doubtful tables, and exactly what is said of them */
#include "cdb/grammar.h"
#include "cdb/tables.h"
#include "tests/tables.h"

static void
test_lines(void)
{
	static const char text[] = "#a\n\n \t\n x  y \r\n#\nu#v # w\n z";
	static const char told[] = "4(x  y)6(u#v)7(z)";
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
	tables_free(&t);
	buf_free(&story);
}

/* wrong tables */

#define MANY(form, word)                                                       \
	"this line has more words than it may, beginning with \"" word         \
	"\"; write " form "\n"
#define FEW(form) "this line has too few words; write " form "\n"

#define PIN                                                                    \
	"sha256:"                                                              \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

#define NO_NAME                                                                \
	" has an address, which no certificate is for; write a name, or the "  \
	"pin of its key: qmqps:HOST:PORT/PIN\n"
#define TOO_MANY                                                               \
	" stands behind a hub or an option; write a line for each hub, and "   \
	"options on one of their own\n"
#define NO_SIZE                                                                \
	" is no size; write a number with k, m or g behind it, such as "       \
	"spool=100m\n"

static const struct {
	const char *table, *text, *errors;
} wrongs[] = {
    {"me", "",
     "me: there is no name in it; write this host's full name, such "
     "as mail.example.org\n"},
    {"me", "# nothing\n",
     "me: there is no name in it; write this host's full name, such as "
     "mail.example.org\n"},
    {"me", "a.example\nb.example\n",
     "me:2: \"b.example\" stands on line 1 already; keep one of the two "
     "lines\n"},
    {"me", "a_b..c\n",
     "me:1: \"a_b..c\" is not a domain; write one such as "
     "example.org\n"},
    {"me", "a b\n", "me:1: " MANY("HOST", "b")},
    {"me", "m\xc3\xbcll.example\n",
     "me:1: \"m??ll.example\" is not in ASCII; write the domain in its xn-- "
     "form\n"},
    {"me",
     "a\x01"
     "b\n",
     "me:1: \"a?b\" has a control byte; write plain text\n"},
    {"listen", "smtp\n", "listen:1: " FEW("PROTOCOL ADDRESS:PORT")},
    {"listen", "smtp 1.2.3.4:25 x\n",
     "listen:1: " MANY("PROTOCOL ADDRESS:PORT", "x")},
    {"listen", "SMTP 1.2.3.4:25\n",
     "listen:1: \"SMTP\" is not a protocol; write qmqp, qmtp, smtp, "
     "qmqps or qmtps\n"},
    {"listen", "smtp 1.2.3.4\n",
     "listen:1: \"1.2.3.4\" is not an address and a port; write "
     "ADDRESS:PORT, such as 127.0.0.1:628 or [::1]:628\n"},
    {"listen", "smtp ::1:25\nqmtp 1.2.3.4:0\nqmtp 1.2.3.4:65536\n",
     "listen:1: \"::1:25\" is not an address and a port; write ADDRESS:PORT, "
     "such as 127.0.0.1:628 or [::1]:628\n"
     "listen:2: \"1.2.3.4:0\" is not an address and a port; write "
     "ADDRESS:PORT, such as 127.0.0.1:628 or [::1]:628\n"
     "listen:3: \"1.2.3.4:65536\" is not an address and a port; write "
     "ADDRESS:PORT, such as 127.0.0.1:628 or [::1]:628\n"},
    {"listen", "smtp localhost:25\n",
     "listen:1: \"localhost:25\" has a name where a numeric address must be; "
     "write ADDRESS:PORT, 0.0.0.0 or [::] for all addresses\n"},
    {"listen", "smtp 1.2.3.4:25\nqmtp 1.2.3.4:25\n",
     "listen:2: \"1.2.3.4:25\" stands on line 1 already; keep one of the two "
     "lines\n"},
    {"listen",
     "smtp 1.2.3.4:1\nsmtp 1.2.3.4:2\nsmtp 1.2.3.4:3\nsmtp 1.2.3.4:4\n"
     "smtp 1.2.3.4:5\nsmtp 1.2.3.4:6\nsmtp 1.2.3.4:7\nsmtp 1.2.3.4:8\n"
     "smtp 1.2.3.4:9\nsmtp 1.2.3.4:10\nsmtp 1.2.3.4:11\nsmtp 1.2.3.4:12\n"
     "smtp 1.2.3.4:13\nsmtp 1.2.3.4:14\nsmtp 1.2.3.4:15\nsmtp 1.2.3.4:16\n"
     "smtp 1.2.3.4:17\nqmtp 1.2.3.4:18\n",
     "listen:17: \"smtp\" has more than 16 lines; listen at 0.0.0.0 or [::] "
     "instead\n"},
    {"access", "10.0.0.0/8\n", "access:1: " FEW("NETWORK RIGHT...")},
    {"access", "10.0.0.0/33 relay\n",
     "access:1: \"10.0.0.0/33\" is not a network; write ADDRESS or "
     "ADDRESS/BITS, such as 192.0.2.0/24 or 2001:db8::/32\n"},
    {"access", "hub relay\n",
     "access:1: \"hub\" is not a network; write ADDRESS or ADDRESS/BITS, "
     "such as 192.0.2.0/24 or 2001:db8::/32\n"},
    {"access", "10.1.2.3/8 relay\n",
     "access:1: \"10.1.2.3/8\" has bits set behind its network's; write "
     "10.0.0.0/8\n"},
    {"access", "2001:db8::1/127 relay\n",
     "access:1: \"2001:db8::1/127\" has bits set behind its network's; write "
     "2001:db8::/127\n"},
    {"access", "10.0.0.0/8 relay\n10.0.0.0/8 none\n",
     "access:2: \"10.0.0.0/8\" stands on line 1 already; keep one of the two "
     "lines\n"},
    {"access", "sha256:12 leaf relay\n",
     "access:1: \"sha256:12\" is not a pin; write it as quail key prints "
     "it, sha256: and 64 digits\n"},
    {"access",
     PIN " leaf\n" PIN " le/af relay\n" PIN " a fly\n" PIN " a relay\n" PIN
	 " b none\n",
     "access:1: this line has too few words; write sha256:PIN NAME "
     "RIGHT...\n"
     "access:2: \"le/af\" is not a name for a client; write 1 to 63 "
     "letters, digits, '.', '-' and '_'\n"
     "access:3: \"fly\" is not a right; write relay, repeats or none\n"
     "access:5: \"" PIN "\" stands on line 4 already; keep one of the two "
     "lines\n"},
    {"routes",
     "* qmtps:a.example\na qmtps:192.0.2.1:6209\n"
     "b qmtps:a.example:6209/sha256:0\n",
     "routes:1: \"qmtps:a.example\" has no good host and port; write "
     "qmtps:HOST:PORT, such as qmtps:hub.example.org:6209, or "
     "qmtps:HOST:PORT/PIN\n"
     "routes:2: \"qmtps:192.0.2.1:6209\" has an address, which no "
     "certificate is for; write a name, or the pin of its key: "
     "qmtps:HOST:PORT/PIN\n"
     "routes:3: \"qmtps:a.example:6209/sha256:0\" has no good pin behind "
     "its slash; write it as quail key prints it, sha256: and 64 digits\n"},
    {"listen", "qmqps 127.0.0.1:6628\n",
     "tls: \"./tls/cert.pem: No such file or directory\" (quail key -o "
     "DIR/tls makes a new key)\n"},
    {"access", "10.0.0.0/8 fly\n",
     "access:1: \"fly\" is not a right; write relay, repeats or "
     "none\n"},
    {"access", "10.0.0.0/8 relay none\n",
     "access:1: \"none\" excludes all other rights; write it alone\n"},
    {"locals", "a b\n", "locals:1: " MANY("DOMAIN", "b")},
    {"locals", "a@b\n",
     "locals:1: \"a@b\" is an address; write only the "
     "domain, such as example.org\n"},
    {"locals", "a.example.\n",
     "locals:1: \"a.example.\" ends with a dot; write the domain without "
     "it\n"},
    {"locals", ".a.example\n",
     "locals:1: \".a.example\" is not a domain; write one such as "
     "example.org\n"},
    {"locals", "a.example\nA.example\n",
     "locals:2: \"A.example\" stands on line 1 already; keep one of the two "
     "lines\n"},
    {"rcpthosts", "*.a\n",
     "rcpthosts:1: \"*.a\" is not a domain; write one "
     "such as example.org\n"},
    {"users", "a@b\n", "users:1: " FEW("PATTERN maildir:PATH")},
    {"users", "a.b maildir:x\n",
     "users:1: \"a.b\" is only a domain; write *@DOMAIN for all its "
     "addresses\n"},
    {"users", "root maildir:x\n",
     "users:1: \"root\" is not a pattern of users; write user@domain or "
     "*@domain\n"},
    {"users", "a@b mbox:x\n",
     "users:1: \"mbox:x\" is not a mailbox; write maildir:PATH, such as "
     "maildir:mail/%u\n"},
    {"users", "a@b maildir:\n",
     "users:1: \"maildir:\" has no path; write one behind it, such as "
     "maildir:mail/%u\n"},
    {"users", "a@b maildir:../x\n",
     "users:1: \"maildir:../x\" climbs out with \"..\"; write the path "
     "without it\n"},
    {"users", "a@b maildir:x%\nb@b maildir:%%\n",
     "users:1: \"maildir:x%\" has another mark than %u (the local part) and "
     "%d (the domain) in its path; use these\n"
     "users:2: \"maildir:%%\" has another mark than %u (the local part) and "
     "%d (the domain) in its path; use these\n"},
    {"users", "a@b maildir:x\nA@B maildir:y\n",
     "users:2: \"A@B\" stands on line 1 already; keep one of the two "
     "lines\n"},
    {"routes", "*\n", "routes:1: " FEW("PATTERN NEXTHOP...")},
    {"routes", "*@a.b hold\n",
     "routes:1: \"*@a.b\" has a star that is not needed; write the domain "
     "alone\n"},
    {"routes", "*.b hold\n",
     "routes:1: \"*.b\" begins with a star; write .suffix for the domains "
     "below, such as .example.org\n"},
    {"routes", "a@b@ hold\n",
     "routes:1: \"a@b@\" is not a pattern of routes; write user@domain, "
     "domain, .suffix or *\n"},
    {"routes", "* hold smtp:mx\n",
     "routes:1: \"hold\" stands beside next hops; write it alone\n"},
    {"routes", "* smtp:mx discard\n",
     "routes:1: \"discard\" stands beside next hops; write it alone\n"},
    {"routes", "* smtp:\nb smtp:mx.example\nc smtp:300.1.2.3:25\n",
     "routes:1: \"smtp:\" has no good host and port; write smtp:HOST:PORT, "
     "such as smtp:mx.example.org:25, or smtp:mx\n"
     "routes:2: \"smtp:mx.example\" has no good host and port; write "
     "smtp:HOST:PORT, such as smtp:mx.example.org:25, or smtp:mx\n"
     "routes:3: \"smtp:300.1.2.3:25\" has no good host and port; write "
     "smtp:HOST:PORT, such as smtp:mx.example.org:25, or smtp:mx\n"},
    {"routes", "* qmtp:mx\n",
     "routes:1: \"qmtp:mx\" has no good host and port; write "
     "qmtp:HOST:PORT, such as qmtp:hub.example.org:209\n"},
    {"routes", "* lmtp:a:24\n",
     "routes:1: \"lmtp:a:24\" is not a next hop; write qmtp:HOST:PORT, "
     "qmtps:HOST:PORT, smtp:HOST:PORT, smtp:mx, hold or discard\n"},
    {"qmqpservers", "a:b\na:0\n[::1\n-a\n1.2.3\na\na:628\n",
     "qmqpservers:1: \"a:b\" is not a server; write HOST or HOST:PORT, "
     "[V6]:PORT for a v6 address\n"
     "qmqpservers:2: \"a:0\" is not a server; write HOST or HOST:PORT, "
     "[V6]:PORT for a v6 address\n"
     "qmqpservers:3: \"[::1\" is not a server; write HOST or HOST:PORT, "
     "[V6]:PORT for a v6 address\n"
     "qmqpservers:4: \"-a\" is not a server; write HOST or HOST:PORT, "
     "[V6]:PORT for a v6 address\n"
     "qmqpservers:5: \"1.2.3\" is not a server; write HOST or HOST:PORT, "
     "[V6]:PORT for a v6 address\n"
     "qmqpservers:7: \"a:628\" stands on line 6 already; keep one of the two "
     "lines\n"},
    {"qmqpservers",
     "qmqps:1.2.3.4\nqmqps:[::1]\nqmqps:h/sha256:1\nh/x\nqmqps:/x\n"
     "qmqps:a\nqmqps:a:6628\n",
     "qmqpservers:1: \"qmqps:1.2.3.4\"" NO_NAME
     "qmqpservers:2: \"qmqps:[::1]\"" NO_NAME
     "qmqpservers:3: \"qmqps:h/sha256:1\" has no good pin behind its slash; "
     "write it as quail key prints it, sha256: and 64 digits\n"
     "qmqpservers:4: \"h/x\" has a pin but no TLS; write "
     "qmqps:HOST:PORT/PIN\n"
     "qmqpservers:5: \"qmqps:/x\" has no good host; write qmqps:HOST or "
     "qmqps:HOST:PORT, [V6]:PORT for a v6 address, and /PIN behind it\n"
     "qmqpservers:7: \"qmqps:a:6628\" stands on line 6 already; keep one of "
     "the two lines\n"},
    {"qmqpservers",
     "a b\nc order=spread\norder=x\nspool=1\nspool=0m\ntimeout=2h\nx=1\n"
     "lifetime=5\norder=spread order=listed\n",
     "qmqpservers:1: \"b\"" TOO_MANY "qmqpservers:2: \"order=spread\"" TOO_MANY
     "qmqpservers:3: \"order=x\" is no order; write order=listed or "
     "order=spread\n"
     "qmqpservers:4: \"spool=1\"" NO_SIZE
     "qmqpservers:5: \"spool=0m\"" NO_SIZE
     "qmqpservers:6: \"timeout=2h\" is no time for all hubs together; write "
     "1s to 1h, such as timeout=30s\n"
     "qmqpservers:7: \"x=1\" is not an option of a leaf; write order=spread, "
     "timeout=AGE, lifetime=AGE or spool=SIZE\n"
     "qmqpservers:8: \"lifetime=5\" is no lifetime; write a number with s, m, "
     "h or d behind it, such as lifetime=5d\n"
     "qmqpservers:9: \"order\" stands on line 9 already; keep one of the two "
     "lines\n"},
};

static void
test_wrong(void)
{
	struct buf before = {0}, after = {0};
	size_t i;

	good_tables();
	says("before", BUILD_DONE, "", "");
	read_all("config.cdb", &before);
	for (i = 0; i < sizeof wrongs / sizeof *wrongs; i++) {
		no_tables();
		table("me", "hub.example\n");
		table(wrongs[i].table, wrongs[i].text);
		says(wrongs[i].table, BUILD_WRONG, "", wrongs[i].errors);
	}
	no_tables();
	table("routes", "x\n");
	table("users", "y\n");
	says("several tables", BUILD_WRONG, "",
	     "me: there is no such file; write one line, this host's full "
	     "name, such as mail.example.org\n"
	     "users:1: " FEW("PATTERN maildir:PATH") "routes:1: " FEW(
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
	     "locals:1: this line is longer than 65536 bytes; shorten it\n");
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
			"f.example qmtp:127.0.0.1:209\n");
	table("rcpthosts", "a.example\n.e.example\nx.e.example\n.x.e.example\n"
			   "e.example\nf.example\n.f.example\n");
	says("warnings", BUILD_DONE,
	     "access:1: warning: \"0.0.0.0/0\" relays for everybody, spammers "
	     "too; name only your own networks\n"
	     "access:2: warning: \"::/0\" relays for everybody, spammers too; "
	     "name only your own networks\n"
	     "routes:4: warning: \"qmtp:127.0.0.1:209\" is an address that "
	     "this node listens on, so mail would go in circles; name another "
	     "host\n"
	     "me:1: warning: no line of locals or routes says where mail for "
	     "\"hub.example\" goes, the node's own reports among it; add it "
	     "to one of them\n"
	     "locals:1: warning: \"a.example\" has no line in users, so all "
	     "its mail is refused; add one there, such as: *@DOMAIN "
	     "maildir:mail/%u\n"
	     "rcpthosts:5: warning: \"e.example\" is accepted from strangers, "
	     "but no line of locals or routes says where it goes; add it to "
	     "one of them\n"
	     "rcpthosts:7: warning: \".f.example\" is accepted from "
	     "strangers, but no line of locals or routes says where it goes; "
	     "add it to one of them\n"
	     "users:3: warning: \"y@d.example\" is of a domain that is not in "
	     "locals, so this line is never used; add the domain to locals\n"
	     "routes:2: warning: \"x@a.example\" is of a domain in locals, "
	     "whose mail goes to users and never here; take the domain out of "
	     "locals, or this line away\n"
	     "routes:3: warning: \"b.example\" is of a domain in locals, "
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
