/* config_test - from good tables to answers */
#include "cdb/config.h"
#include "tests/tables.h"

/* what the tables answer */

static void
test_lists(const struct config *c)
{
	static const char *const servers[] = {
	    "a.example:628",	    "b.example:6280",
	    "[2001:db8::1]:628",    "[2001:db8::2]:628",
	    "[2001:db8::3]:700",    "192.0.2.1:628",
	    "qmqps:c.example:6628", "qmqps:[2001:db8::4]:6628/" TABLES_PIN};
	struct config_leaf leaf;
	struct slice s;
	unsigned i;

	ok(slice_eq(config_me(c), SLICE("Hub.Example")), "me");
	ok(config_listen(c, "qmqp", 0, &s) &&
	       slice_eq(s, SLICE("127.0.0.1:628")),
	   "first qmqp address");
	ok(config_listen(c, "qmqp", 1, &s) && slice_eq(s, SLICE("[::1]:6280")),
	   "second qmqp address");
	ok(config_listen(c, "qmqp", 2, &s) &&
	       slice_eq(s, SLICE("127.0.0.2:628")),
	   "third qmqp address, in a last line without LF");
	ok(!config_listen(c, "qmqp", 3, &s), "no fourth");
	ok(config_listen(c, "smtp", 0, &s) && !config_listen(c, "smtp", 1, &s),
	   "one smtp address");
	ok(!config_listen(c, "qmqps", 0, &s) && !config_listen(c, "", 0, &s),
	   "none of another protocol");
	for (i = 0; i < 8; i++)
		ok(config_qmqpserver(c, i, &s) &&
		       slice_eq(s, slice_text(servers[i])),
		   "server %u is %s", i, servers[i]);
	ok(!config_qmqpserver(c, 8, &s), "no more servers");
	config_leaf(c, &leaf);
	ok(leaf.is_spread && leaf.timeout_s == 120 &&
	       leaf.lifetime_s == 36 * 3600 && leaf.spool_bytes == 3072,
	   "options of a leaf");
	ok(config_text(c, "me", &s) && slice_eq(s, SLICE("Hub.Example")),
	   "a table by its name");
	ok(!config_text(c, "you", &s), "and one that is not there");
	ok(config_needs(c) == (CONFIG_NEEDS_QMTPC | CONFIG_NEEDS_SMTP_OUT |
			       CONFIG_NEEDS_MAILDIR | CONFIG_NEEDS_QUEUE),
	   "everything is needed");
}

static unsigned
rights_of(const struct config *c, const char *host)
{
	struct endpoint e;

	if (endpoint_parse(&e, slice_text(host), 1) != 0)
		return 99;
	return config_access(c, &e);
}

static void
test_access(const struct config *c)
{
	static const struct {
		const char *host;
		unsigned rights;
	} cases[] = {
	    {"127.0.0.1", CONFIG_RELAY},
	    {"127.0.255.255", CONFIG_RELAY},
	    {"127.1.0.1", 0},
	    {"127.2.0.0", CONFIG_RELAY},
	    {"126.255.255.255", 0},
	    {"128.0.0.0", 0},
	    {"192.0.2.7", CONFIG_RELAY},
	    {"192.0.2.6", 0},
	    {"192.0.2.8", 0},
	    {"203.0.113.200", CONFIG_RELAY},
	    {"203.0.114.0", 0},
	    {"::ffff:127.0.0.1", CONFIG_RELAY},
	    {"::ffff:127.1.0.1", 0},
	    {"2001:db8::1", CONFIG_RELAY},
	    {"2001:db8:1::1", 0},
	    {"2001:db8:2::1", CONFIG_RELAY},
	    {"2001:db9::1", 0},
	    {"::1", 0},
	};
	struct endpoint none = {0};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(rights_of(c, cases[i].host) == cases[i].rights,
		   "rights of %s", cases[i].host);
	ok(config_access(c, &none) == 0, "a unix peer has none");
}

static void
test_domains(const struct config *c)
{
	struct slice source;

	ok(config_local(c, SLICE("here.example")) &&
	       config_local(c, SLICE("HUB.Example.")),
	   "locals in any case, with a dot at the end");
	ok(!config_local(c, SLICE("xhere.example")) &&
	       !config_local(c, SLICE("x.here.example")) &&
	       !config_local(c, SLICE("")) && !config_local(c, SLICE(".")) &&
	       !config_local(c, slice_of("here.example\0", 13)),
	   "and nothing else");
	ok(config_rcpthost(c, SLICE("FAR.example")) &&
	       config_rcpthost(c, SLICE("a.edge.example")) &&
	       config_rcpthost(c, SLICE("a.b.Edge.example")),
	   "rcpthosts with suffixes");
	ok(!config_rcpthost(c, SLICE("edge.example")) &&
	       !config_rcpthost(c, SLICE("a.far.example")) &&
	       !config_rcpthost(c, SLICE("aedge.example")) &&
	       !config_rcpthost(c, SLICE("here.example")),
	   "and nothing else");
	ok(config_local_line(c, SLICE("hub.example"), &source) &&
	       slice_eq(source, SLICE("locals:2")),
	   "the line of a local domain");
	ok(config_rcpthost_line(c, SLICE("x.edge.example"), &source) &&
	       slice_eq(source, SLICE("rcpthosts:2")),
	   "the line of a suffix");
}

static const struct {
	struct slice rcpt;
	enum config_decision decision;
	const char *nexthops, *key, *source;
	char stranger, relay; /* config_accepts */
} routes[] = {
#define TO(rcpt)                                                               \
	{                                                                      \
		rcpt, sizeof(rcpt) - 1                                         \
	}
    {TO("alice@here.example"), CONFIG_NEXTHOPS, "maildir:mail/alice",
     "alice@here.example", "users:1", 'K', 'K'},
    {TO("ALICE@Here.Example."), CONFIG_NEXTHOPS, "maildir:mail/alice",
     "alice@here.example", "users:1", 'K', 'K'},
    {TO("Joe-x@here.example"), CONFIG_NEXTHOPS, "maildir:mail/joe-x",
     "*@here.example", "users:2", 'K', 'K'},
    {TO("a@b@here.example"), CONFIG_NEXTHOPS, "maildir:mail/a@b",
     "*@here.example", "users:2", 'K', 'K'},
    {TO("*@here.example"), CONFIG_NEXTHOPS, "maildir:mail/*", "*@here.example",
     "users:2", 'K', 'K'},
    {TO("%d%u@here.example"), CONFIG_NEXTHOPS, "maildir:mail/%d%u",
     "*@here.example", "users:2", 'K', 'K'},
    {TO("postmaster"), CONFIG_NEXTHOPS, "maildir:/var/mail/root/",
     "postmaster@hub.example", "users:3", 'K', 'K'},
    {TO("l@lists.example"), CONFIG_NEXTHOPS, "maildir:lists/lists.example/l.l",
     "*@lists.example", "users:4", 'K', 'K'},
    {TO("root"), CONFIG_NOBODY, "", "hub.example", "locals:2", 'D', 'D'},
    {TO("bob@far.example"), CONFIG_HOLD, "hold", "bob@far.example", "routes:1",
     'K', 'K'},
    {TO("Bob@far.example"), CONFIG_HOLD, "hold", "bob@far.example", "routes:1",
     'K', 'K'},
    {TO("eve@far.example"), CONFIG_NEXTHOPS, "qmtp:b.example:209 smtp:mx",
     "far.example", "routes:2", 'K', 'K'},
    {TO("e@x.far.example"), CONFIG_NEXTHOPS, "qmtp:[2001:db8::9]:209",
     ".far.example", "routes:3", 'D', 'K'},
    {TO("e@x.y.far.example"), CONFIG_NEXTHOPS, "qmtp:[2001:db8::9]:209",
     ".far.example", "routes:3", 'D', 'K'},
    {TO("e@deep.far.example"), CONFIG_NEXTHOPS, "qmtp:[2001:db8::9]:209",
     ".far.example", "routes:3", 'D', 'K'},
    {TO("e@x.deep.far.example"), CONFIG_DISCARD, "discard", ".deep.far.example",
     "routes:4", 'D', 'K'},
    {TO("e@null.example"), CONFIG_DISCARD, "discard", "null.example",
     "routes:5", 'D', 'K'},
    {TO("e@else.where"), CONFIG_NEXTHOPS, "smtp:192.0.2.25:25", "*", "routes:6",
     'D', 'K'},
    {TO("e@s.edge.example"), CONFIG_NEXTHOPS, "smtp:192.0.2.25:25", "*",
     "routes:6", 'K', 'K'},
    {TO("e@[192.0.2.9]"), CONFIG_NEXTHOPS, "smtp:192.0.2.25:25", "*",
     "routes:6", 'D', 'K'},
    /* this host, for which a route for all domains is none */
    {TO("e@localhost"), CONFIG_NOBODY, "", "", "", 'D', 'D'},
    {TO("e@LocalHost."), CONFIG_NOBODY, "", "", "", 'D', 'D'},
    {TO("e@x.localhost"), CONFIG_NOBODY, "", "", "", 'D', 'D'},
    {TO("e@localhost.localdomain"), CONFIG_NOBODY, "", "", "", 'D', 'D'},
    {TO("e@notlocalhost"), CONFIG_NEXTHOPS, "smtp:192.0.2.25:25", "*",
     "routes:6", 'D', 'K'},
    /* hostile */
    {TO("../x@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO(".x@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO("a/b@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO("a b@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO("a\tb@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO("a\x7f@here.example"), CONFIG_BADPART, "", "*@here.example", "users:2",
     'D', 'D'},
    {TO("a\0b@here.example"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("a\nb@here.example"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("a\rb@far.example"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("@here.example"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("@far.example"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("a@"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("a@."), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("a@b c"), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO(""), CONFIG_BADPART, "", "", "", 'D', 'D'},
    {TO("@"), CONFIG_BADPART, "", "", "", 'D', 'D'},
#undef TO
};

static void
test_routes(const struct config *c)
{
	struct buf room = {0};
	const char *why;
	size_t i;

	for (i = 0; i < sizeof routes / sizeof *routes; i++) {
		struct config_route r;

		config_route(c, routes[i].rcpt, &room, &r);
		ok(r.decision == routes[i].decision &&
		       slice_eq(r.nexthops, slice_text(routes[i].nexthops)) &&
		       slice_eq(r.key, slice_text(routes[i].key)) &&
		       slice_eq(r.source, slice_text(routes[i].source)),
		   "route %zu: decision %d to %.*s by %.*s", i, (int)r.decision,
		   (int)r.nexthops.len, r.nexthops.at, (int)r.source.len,
		   r.source.at);
		ok(config_accepts(c, 0, routes[i].rcpt, &why) ==
		       routes[i].stranger,
		   "route %zu: a stranger is told %c", i, routes[i].stranger);
		ok(config_accepts(c, CONFIG_RELAY, routes[i].rcpt, &why) ==
		       routes[i].relay,
		   "route %zu: who may relay is told %c", i, routes[i].relay);
	}
	buf_free(&room);
}

static void
test_long(const struct config *c)
{
	struct buf room = {0}, rcpt = {0};
	struct config_route r;
	const char *why;
	size_t n;

	/* All that is over a limit, and just under it. */
	for (n = 1; n<1300; n += n> 190 && n < 210 ? 1 : 17) {
		char code;
		bool fits = n <= 200;

		buf_clear(&rcpt);
		memset(buf_room(&rcpt, n), 'a', n);
		buf_added(&rcpt, n);
		buf_text(&rcpt, "@here.example");
		config_route(c, buf_slice(&rcpt), &room, &r);
		ok_quiet((r.decision == CONFIG_NEXTHOPS) == fits,
			 "local part of %zu", n);
		code = config_accepts(c, 0, buf_slice(&rcpt), &why);
		ok_quiet(code == (fits ? 'K' : 'D'), "accept of %zu", n);
		buf_cut(&rcpt, n);
		code = config_accepts(c, 0, buf_slice(&rcpt), &why);
		ok_quiet(code == 'D', "of %zu without domain", n);
		buf_clear(&rcpt);
		buf_text(&rcpt, "a@");
		memset(buf_room(&rcpt, n), '.', n);
		buf_added(&rcpt, n);
		buf_text(&rcpt, "far.example");
		config_route(c, buf_slice(&rcpt), &room, &r);
		ok_quiet(r.decision == CONFIG_BADPART,
			 "domain with %zu empty labels", n);
	}
	ok(true, "long addresses");
	buf_free(&room);
	buf_free(&rcpt);
}

static void
test_answers(void)
{
	struct buf why = {0};
	struct config c;

	good_tables();
	says("good tables", BUILD_DONE, "", "");
	if (!ok(config_open(&c, "config.cdb", &why) == 0, "it opens"))
		return;
	test_lists(&c);
	test_access(&c);
	test_domains(&c);
	test_routes(&c);
	test_long(&c);
	config_close(&c);
	buf_free(&why);
}

static void
test_no_route(void)
{
	struct buf room = {0}, why = {0};
	struct config_route r;
	const char *text;
	struct config c;
	bool good;

	no_tables();
	table("me", "leaf\n");
	table("rcpthosts", "a.example\n.s.example\n");
	table("routes", "a.s.example hold\n");
	says(
	    "few routes", BUILD_DONE,
	    "me:1:1: warning: no line of locals or routes says where mail for "
	    "\"leaf\" goes, the node's own reports among it; add it to one "
	    "of them\n"
	    "rcpthosts:1:1: warning: \"a.example\" is accepted from strangers, "
	    "but no line of locals or routes says where it goes; add it to "
	    "one of them\n"
	    "rcpthosts:2:1: warning: \".s.example\" is accepted from "
	    "strangers, but no line of locals or routes says where it goes; "
	    "add it to one of them\n",
	    "");
	ok(config_open(&c, "config.cdb", &why) == 0, "it opens");
	ok(config_needs(&c) == CONFIG_NEEDS_QUEUE, "only a queue is needed");
	ok(config_accepts(&c, 0, SLICE("b@a.s.example"), &text) == 'K',
	   "a stranger's recipient in a suffix has its route");
	config_route(&c, SLICE("b@a.example"), &room, &r);
	ok(r.decision == CONFIG_NOROUTE && r.source.len == 0, "no route");
	good = config_accepts(&c, 0, SLICE("b@a.example"), &text) == 'Z';
	ok(good, "our own trouble is Z: %s", text);
	ok(config_accepts(&c, CONFIG_RELAY, SLICE("b@b"), &text) == 'Z',
	   "for who may relay too");
	ok(config_accepts(&c, 0, SLICE("b@b"), &text) == 'D',
	   "but not for others");
	config_close(&c);
	buf_free(&room);
	buf_free(&why);
}

/* Everybody of one family, nobody of the other. */
static void
test_everybody(void)
{
	static const struct {
		const char *network;
		unsigned v4, v6;
	} cases[] = {{"::/0 relay", 0, CONFIG_RELAY},
		     {"0.0.0.0/0 relay", CONFIG_RELAY, 0},
		     {"8000::/1 relay", 0, CONFIG_RELAY},
		     {"192.0.0.0/3 relay", CONFIG_RELAY, 0},
		     {"192.0.2.25/32 relay", CONFIG_RELAY, 0},
		     {"192.0.2.24/31 relay", CONFIG_RELAY, 0},
		     {"192.0.2.26/31 relay", 0, 0}};
	struct buf why = {0};
	struct config c;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct report r;

		no_tables();
		table("me", "hub\n");
		table("access", cases[i].network);
		report_init(&r);
		ok(config_build(".", &r) == BUILD_DONE &&
		       config_open(&c, "config.cdb", &why) == 0 &&
		       rights_of(&c, "192.0.2.25") == cases[i].v4 &&
		       rights_of(&c, "fe80::1") == cases[i].v6,
		   "access %s", cases[i].network);
		config_close(&c);
		report_free(&r);
	}
	buf_free(&why);
}

/* A key's line, and the addresses' beside it. */
static void
test_keys(void)
{
	struct tls_pin known = {{1, 2, 3}}, unknown = {{1, 2, 4}};
	struct buf why = {0}, text = {0};
	struct slice name = SLICE("?");
	unsigned rights = 99;
	struct config c;
	struct report r;

	tls_pin_put(&text, &known);
	buf_text(&text, " Leaf-7.example relay repeats\n10.0.0.0/8 relay\n");
	buf_putc(&text, 0);
	no_tables();
	table("me", "hub\n");
	table("access", text.mem);
	table("routes", "* qmtps:a.example:6209 qmtps:[::1]:6209/sha256:"
			"0123456789ABCDEF0123456789abcdef"
			"0123456789abcdef0123456789abcdef retry=5\n");
	report_init(&r);
	ok(config_build(".", &r) == BUILD_DONE &&
	       config_open(&c, "config.cdb", &why) == 0,
	   "a table with a pin");
	ok(config_access_key(&c, &known, &rights, &name) &&
	       rights == (CONFIG_RELAY | CONFIG_REPEATS) &&
	       slice_eq(name, SLICE("Leaf-7.example")),
	   "its rights and its name");
	ok(!config_access_key(&c, &unknown, &rights, &name), "another key");
	ok(rights_of(&c, "10.1.2.3") == CONFIG_RELAY &&
	       rights_of(&c, "11.1.2.3") == 0,
	   "networks as before");
	ok(config_needs(&c) == (CONFIG_NEEDS_QUEUE | CONFIG_NEEDS_QMTPC),
	   "qmtps needs qmtpc");
	config_close(&c);
	report_free(&r);
	buf_free(&why);
	buf_free(&text);
}

/* What access and limits say beyond rights. */
static void
test_client(void)
{
	static const struct {
		const char *sender;
		bool may;
	} cases[] = {{"a@One.test", true},
		     {"a@x.one.test", false},
		     {"a@two.test", false},
		     {"a@x.two.test", true},
		     {"", true},
		     {"#@[]", true},
		     {"bare", false},
		     {"a@one.test.evil", false},
		     {"a@xtwo.test", false}};
	struct tls_pin known = {{1, 2, 3}}, unknown = {{1, 2, 4}};
	struct buf why = {0}, text = {0};
	struct config_client r;
	struct endpoint e;
	struct config c;
	struct report report;
	size_t i;

	tls_pin_put(&text, &known);
	buf_text(&text, " leaf relay senders=ONE.test,.two.test size=2K "
			"rate=3/m\n10.0.0.0/8 relay connections=7\n");
	buf_putc(&text, 0);
	no_tables();
	table("me", "hub\n");
	table("access", text.mem);
	report_init(&report);
	ok(config_build(".", &report) == BUILD_DONE &&
	       config_open(&c, "config.cdb", &why) == 0,
	   "access with options");
	endpoint_parse(&e, SLICE("10.1.1.1"), 1);
	ok(config_client(&c, &e, &unknown, &r) && !r.by_key &&
	       r.connections == 7 && r.rate == 0 && r.size == 0 &&
	       r.rights == (CONFIG_RELAY | CONFIG_LIMITED),
	   "by its network");
	ok(config_client(&c, &e, &known, &r) && r.by_key &&
	       slice_eq(r.name, SLICE("leaf")) && r.size == 2048 &&
	       r.rate == 3 && r.rate_s == 60 && r.connections == 0 &&
	       slice_eq(r.source, SLICE("access:1")),
	   "by its key");
	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(config_client_sender(&c, &r, slice_text(cases[i].sender)) ==
		       cases[i].may,
		   "the sender %s: %d", cases[i].sender, cases[i].may);
	endpoint_parse(&e, SLICE("11.1.1.1"), 1);
	ok(!config_client(&c, &e, NULL, &r) && r.rights == 0 &&
	       config_client_sender(&c, &r, SLICE("a@b")),
	   "nobody we know");
	config_close(&c);
	report_free(&report);
	buf_free(&why);
	buf_free(&text);
}

static void
test_limits(void)
{
	struct limits d = LIMITS_DEFAULT, got;
	struct server_trust trust;
	struct buf why = {0};
	struct report report;
	struct slice s;
	struct config c;

	no_tables();
	table("me", "hub\n");
	table("serverlimits",
	      "connections 5\nin-flight 2M\nidle 2m\nprogress 0\n"
	      "handshakes 7\n");
	table("listen", "qmqp 127.0.0.1:628 proxy=10.0.0.0/8,2001:db8::1\n"
			"qmqp 127.0.0.2:628\n");
	report_init(&report);
	ok(config_build(".", &report) == BUILD_DONE &&
	       config_open(&c, "config.cdb", &why) == 0,
	   "serverlimits");
	config_limits(&c, &got);
	ok(got.connections == 5 && got.in_flight == 2 << 20 &&
	       got.idle_s == 120 && got.progress == 0 && got.handshakes == 7,
	   "those that are said");
	ok(got.connections_tls == d.connections_tls &&
	       got.connections_client == d.connections_client &&
	       got.session_s == d.session_s,
	   "and the others");
	ok(config_listen(&c, "qmqp", 0, &s) &&
	       slice_eq(s, SLICE("127.0.0.1:628")),
	   "an address without its options");
	config_listen_trust(&c, "qmqp", 0, &trust);
	ok(trust.n == 2 && trust.networks[0].bits == 104 &&
	       trust.networks[1].bits == 128 &&
	       trust.networks[1].address[0] == 0x20,
	   "whom it trusts");
	config_listen_trust(&c, "qmqp", 1, &trust);
	ok(trust.n == 0, "nobody");
	config_listen_trust(&c, "qmqp", 2, &trust);
	ok(trust.n == 0, "no such line");
	config_close(&c);
	report_free(&report);
	buf_free(&why);
}

static void
test_refresh(void)
{
	struct buf why = {0};
	struct config c;
	struct slice s;

	good_tables();
	says("to be refreshed", BUILD_DONE, "", "");
	ok(config_open(&c, "config.cdb", &why) == 0, "it opens");
	ok(config_refresh(&c, &why) == 0, "nothing new");
	table("me", "other.example\n");
	table("locals", "here.example\nlists.example\nother.example\n");
	table("users", "*@here.example maildir:a\n*@lists.example maildir:b\n"
		       "*@other.example maildir:c\n");
	says("a new one", BUILD_DONE, "", "");
	ok(config_refresh(&c, &why) == 1 &&
	       slice_eq(config_me(&c), SLICE("other.example")),
	   "a new one is taken up");
	write_file("torn.cdb", "torn", 4);
	rename("torn.cdb", "config.cdb");
	ok(config_refresh(&c, &why) == -1 && why.len > 0 &&
	       slice_eq(config_me(&c), SLICE("other.example")),
	   "a torn one is not: %.*s", (int)why.len, buf_slice(&why).at);
	ok(config_refresh(&c, &why) == 0, "and is told of once");
	unlink("config.cdb");
	ok(config_refresh(&c, &why) == -1 && config_refresh(&c, &why) == 0 &&
	       config_listen(&c, "smtp", 0, &s),
	   "none at all: told of once, and the old one serves on");
	says("the same again", BUILD_DONE, "", "");
	ok(config_refresh(&c, &why) == 1, "back again");
	config_close(&c);
	buf_free(&why);
}

int
main(void)
{
	tables_begin();
	test_answers();
	test_no_route();
	test_everybody();
	test_keys();
	test_client();
	test_limits();
	test_refresh();
	tables_end();
	return tap_done();
}
