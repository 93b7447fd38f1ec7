/* policy_test - routes by sender, virtual domains, limits and policies: from
 * the tables to what the programs are told */
#include "cdb/config.h"
#include "tests/tables.h"

static void
tables(void)
{
	no_tables();
	table("me", "hub.example\n");
	table("locals", "hub.example\n");
	table("virtualdomains", "v.example:joe\n.s.v.example:Jim\n"
				"free@v.example:\nx.s.v.example:\n"
				":all\n");
	table("users", "joe-*@hub.example maildir:joe/%u\n"
		       "joe-lists-*@hub.example maildir:lists/%u\n"
		       "joe-list-a@hub.example maildir:a\n"
		       "jim-*@hub.example maildir:jim\n"
		       "*@made.example maildir:made/%u\n");
	table("routes",
	      "* from=<> hold\n"
	      "* from=boss@hub.example qmtp:fast:209\n"
	      "* from=news.example smtp:mx pool=Bulk weights=1 class=news "
	      "rate=90/m bounce=hold tls=encrypt lifetime=3h\n"
	      "* from=.news.example discard\n"
	      "made.example local\n"
	      "gone.example reject  It is gone.\n"
	      "moved.example reject Moved (#5.1.6)\n"
	      "far.example from=news.example reject no news\n"
	      "far.example qmtp:a:209 qmtp:b:209 weights=3,1 concurrency=4\n"
	      "only.example from=a@b.example hold\n"
	      "fax.example Fax:Room/7\n"
	      ".d.example smtp:mx\nv.example hold\nx.s.v.example hold\n");
	table("agents", "fax\n");
	table("pools", "pool bulk\nmember bulk 192.0.2.1 out.example\n");
	table("rcpthosts", "gone.example\nmade.example\nfar.example\n"
			   "only.example\n");
	table("smtproutes", "smart.example:relay.example:26\n:out.example\n");
	table("limits", ".d.example concurrency=3 rate=10\n* rate=30/h\n"
			"smtp:relay.example:26 rate=7 concurrency=8\n");
	table("queuelifetime", "86400\n");
	table("tlspolicy", "a.example verify name=mx.a.example ca=/ca.pem\n"
			   ".a.example encrypt\n* may\n");
	table("aliases", "info@hub.example Joe@hub.example a@b.example\n"
			 "*@old.example all@hub.example\n");
	table("dkim", "hub.example s1 key1\nhub.example s2 key2\n");
	write_file("key1", "x", 1);
	write_file("key2", "x", 1);
}

static const struct {
	const char *from; /* NULL: nobody says */
	const char *rcpt;
	enum config_decision decision;
	const char *nexthops, *key, *by, *source;
} cases[] = {
    {NULL, "x@v.example", CONFIG_NEXTHOPS, "maildir:joe/joe-x",
     "joe-*@hub.example", "", "users:1"},
    {NULL, "lists-b@v.example", CONFIG_NEXTHOPS, "maildir:lists/joe-lists-b",
     "joe-lists-*@hub.example", "", "users:2"},
    {NULL, "List-A@V.example", CONFIG_NEXTHOPS, "maildir:a",
     "joe-list-a@hub.example", "", "users:3"},
    {NULL, "y@t.s.v.example", CONFIG_NEXTHOPS, "maildir:jim",
     "jim-*@hub.example", "", "users:4"},
    {NULL, "free@v.example", CONFIG_HOLD, "hold", "v.example", "", "routes:13"},
    {NULL, "a@x.s.v.example", CONFIG_HOLD, "hold", "x.s.v.example", "",
     "routes:14"},
    {NULL, "joe-@hub.example", CONFIG_NEXTHOPS, "maildir:joe/joe-",
     "joe-*@hub.example", "", "users:1"},
    {NULL, "joe@hub.example", CONFIG_NOBODY, "", "hub.example", "", "locals:1"},
    {NULL, "other@elsewhere.example", CONFIG_NOBODY, "", "", "",
     "virtualdomains:5"},
};

static void
test_virtual(const struct config *c)
{
	struct buf room = {0};
	struct config_route r;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		config_route(c, slice_text(cases[i].rcpt), &room, &r);
		ok(r.decision == cases[i].decision &&
		       slice_eq(r.nexthops, slice_text(cases[i].nexthops)) &&
		       slice_eq(r.key, slice_text(cases[i].key)) &&
		       slice_eq(r.source, slice_text(cases[i].source)),
		   "%s goes to %.*s by %.*s", cases[i].rcpt,
		   (int)r.nexthops.len, r.nexthops.at, (int)r.source.len,
		   r.source.at);
	}
	config_route(c, SLICE("X@v.example"), &room, &r);
	ok(slice_eq(r.rewritten, SLICE("joe-x@hub.example")) &&
	       slice_eq(r.virtual_source, SLICE("virtualdomains:1")),
	   "what a virtual domain makes of it");
	buf_free(&room);
}

/* The rest is asked without the virtual domain that takes all. */
static const struct {
	const char *from;
	const char *rcpt;
	enum config_decision decision;
	const char *nexthops, *key, *by, *source;
} routes[] = {
    {"a@b.example", "x@far.example", CONFIG_NEXTHOPS, "qmtp:a:209 qmtp:b:209",
     "far.example", "", "routes:9"},
    {"a@news.example", "x@far.example", CONFIG_REJECT, "", "far.example",
     "news.example", "routes:8"},
    {"", "x@far.example", CONFIG_NEXTHOPS, "qmtp:a:209 qmtp:b:209",
     "far.example", "", "routes:9"},
    {"", "x@y.example", CONFIG_HOLD, "hold", "*", "<>", "routes:1"},
    {"Boss", "x@y.example", CONFIG_NEXTHOPS, "qmtp:fast:209", "*",
     "boss@hub.example", "routes:2"},
    {"boss@hub.example", "x@y.example", CONFIG_NEXTHOPS, "qmtp:fast:209", "*",
     "boss@hub.example", "routes:2"},
    {"x@NEWS.example", "x@y.example", CONFIG_NEXTHOPS, "smtp:mx", "*",
     "news.example", "routes:3"},
    {"x@a.b.news.example", "x@y.example", CONFIG_DISCARD, "discard", "*",
     ".news.example", "routes:4"},
    {"x@xnews.example", "x@y.example", CONFIG_NEXTHOPS, "smtp:out.example:25",
     "*", "", "smtproutes:2"},
    {NULL, "x@y.example", CONFIG_NEXTHOPS, "smtp:out.example:25", "*", "",
     "smtproutes:2"},
    {NULL, "x@smart.example", CONFIG_NEXTHOPS, "smtp:relay.example:26",
     "smart.example", "", "smtproutes:1"},
    {NULL, "Me@made.example", CONFIG_NEXTHOPS, "maildir:made/me",
     "*@made.example", "", "users:5"},
    {NULL, "x@gone.example", CONFIG_REJECT, "", "gone.example", "", "routes:6"},
    {"a@b.example", "x@only.example", CONFIG_HOLD, "hold", "only.example",
     "a@b.example", "routes:10"},
    {"b@b.example", "x@only.example", CONFIG_NEXTHOPS, "smtp:out.example:25",
     "*", "", "smtproutes:2"},
    {NULL, "x@fax.example", CONFIG_NEXTHOPS, "fax:Room/7", "fax.example", "",
     "routes:11"},
};

static void
test_senders(const struct config *c)
{
	struct buf room = {0};
	struct config_route r;
	size_t i;

	for (i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (routes[i].from)
			config_route_from(c, slice_text(routes[i].from),
					  slice_text(routes[i].rcpt), &room,
					  &r);
		else
			config_route(c, slice_text(routes[i].rcpt), &room, &r);
		ok(r.decision == routes[i].decision &&
		       slice_eq(r.nexthops, slice_text(routes[i].nexthops)) &&
		       slice_eq(r.key, slice_text(routes[i].key)) &&
		       slice_eq(r.from, slice_text(routes[i].by)) &&
		       slice_eq(r.source, slice_text(routes[i].source)),
		   "%s to %s: %.*s by %.*s",
		   routes[i].from ? routes[i].from : "nobody", routes[i].rcpt,
		   (int)r.nexthops.len, r.nexthops.at, (int)r.source.len,
		   r.source.at);
	}
	buf_free(&room);
}

static void
test_options(const struct config *c)
{
	struct buf room = {0};
	struct config_route r;

	config_route_from(c, SLICE("x@news.example"), SLICE("x@y.example"),
			  &room, &r);
	ok(r.rate == 1 && r.pace.n == 90 && r.pace.per_s == 60 &&
	       slice_eq(r.pool, SLICE("bulk")) &&
	       slice_eq(r.class, SLICE("news")) && r.hold_bounces &&
	       r.tls == CONFIG_TLS_ENCRYPT && r.lifetime_s == 10800 &&
	       r.lifetime_source.len == 0 && config_weight(&r, 0) == 1,
	   "options of a route");
	config_route(c, SLICE("x@far.example"), &room, &r);
	ok(config_weight(&r, 0) == 3 && config_weight(&r, 1) == 1 &&
	       config_weight(&r, 2) == 0,
	   "weights");
	ok(r.concurrency == 4 && r.rate == 1 && r.pace.n == 30 &&
	       r.pace.per_s == 3600 &&
	       slice_eq(r.rate_source, SLICE("limits:2")) &&
	       r.concurrency_source.len == 0,
	   "limits say what the route does not");
	ok(r.lifetime_s == 86400 &&
	       slice_eq(r.lifetime_source, SLICE("queuelifetime:1")) &&
	       !r.hold_bounces && r.tls == CONFIG_TLS_UNSAID,
	   "and queuelifetime");
	config_route(c, SLICE("x@b.d.example"), &room, &r);
	ok(r.concurrency == 3 && r.rate == 10 &&
	       slice_eq(r.rate_source, SLICE("limits:1")),
	   "limits of a domain");
	config_route(c, SLICE("x@smart.example"), &room, &r);
	ok(r.concurrency == 8 && r.rate == 7, "limits of a next hop");
	config_route(c, SLICE("x@gone.example"), &room, &r);
	ok(slice_eq(r.text, SLICE("It is gone. (#5.7.1)")) &&
	       r.text.at[r.text.len] == 0,
	   "what a sender is told");
	config_route(c, SLICE("x@moved.example"), &room, &r);
	ok(slice_eq(r.text, SLICE("Moved (#5.1.6)")), "with its own status");
	buf_free(&room);
}

static void
test_accepts(const struct config *c)
{
	static const struct {
		const char *rcpt;
		unsigned rights;
		char code;
	} asked[] = {
	    {"x@v.example", 0, 'K'},	 {"free@v.example", 0, 'D'},
	    {"x@gone.example", 0, 'D'},	 {"x@gone.example", 1, 'D'},
	    {"x@made.example", 0, 'K'},	 {"a/b@made.example", 0, 'D'},
	    {"x@y.example", 0, 'D'},	 {"x@y.example", 1, 'K'},
	    {"x@only.example", 0, 'K'},	 {"joe-x@hub.example", 0, 'K'},
	    {"joe@hub.example", 1, 'D'},
	};
	const char *why = "";
	size_t i;

	for (i = 0; i < sizeof asked / sizeof *asked; i++)
		ok(config_accepts(c, asked[i].rights, slice_text(asked[i].rcpt),
				  &why) == asked[i].code,
		   "%s with rights %u: %c", asked[i].rcpt, asked[i].rights,
		   asked[i].code);
	config_accepts(c, 1, SLICE("x@gone.example"), &why);
	ok(strcmp(why, "It is gone. (#5.7.1)") == 0, "a reject's text");
}

static void
test_policies(const struct config *c)
{
	struct config_tls_line tls;
	struct slice s, file, source;

	ok(config_tls_policy(c, SLICE("A.example"), &tls) &&
	       tls.policy == CONFIG_TLS_VERIFY &&
	       slice_eq(tls.name, SLICE("mx.a.example")) &&
	       slice_eq(tls.ca, SLICE("/ca.pem")) && tls.pin.len == 0,
	   "a domain's policy of TLS");
	ok(config_tls_policy(c, SLICE("b.a.example"), &tls) &&
	       tls.policy == CONFIG_TLS_ENCRYPT &&
	       config_tls_policy(c, SLICE("b.example"), &tls) &&
	       tls.policy == CONFIG_TLS_MAY &&
	       slice_eq(tls.source, SLICE("tlspolicy:3")),
	   "a suffix's, and all others'");
	ok(config_alias(c, SLICE("Info"), &s, &source) &&
	       slice_eq(s, SLICE("Joe@hub.example a@b.example")) &&
	       config_alias(c, SLICE("x@old.example"), &s, &source) &&
	       slice_eq(source, SLICE("aliases:2")) &&
	       !config_alias(c, SLICE("x@hub.example"), &s, &source),
	   "aliases");
	ok(config_dkim(c, SLICE("hub.example"), 1, &s, &file, &source) &&
	       slice_eq(s, SLICE("s2")) && slice_eq(file, SLICE("key2")) &&
	       !config_dkim(c, SLICE("hub.example"), 2, &s, &file, &source) &&
	       !config_dkim(c, SLICE("x.example"), 0, &s, &file, &source),
	   "keys to sign with");
	ok(config_virtual(c, SLICE("x@v.example"), &s, &source) &&
	       slice_eq(s, SLICE("joe")) &&
	       !config_virtual(c, SLICE("free@v.example"), &s, &source),
	   "a virtual domain");
}

static bool
compile(struct config *c)
{
	struct buf why = {0};
	struct report r;
	bool good;

	report_init(&r);
	good = config_build(".", &r) == BUILD_DONE;
	if (!good)
		fprintf(stderr, "# said: %.*s", (int)r.errors.text.len,
			buf_slice(&r.errors.text).at);
	report_free(&r);
	good = good && config_open(c, "config.cdb", &why) == 0;
	buf_free(&why);
	return good;
}

/* The previous one comes back, and the other way round. */
static void
test_rollback(void)
{
	struct buf one = {0}, two = {0}, now = {0}, why = {0};
	struct config c;

	unlink(BUILD_PREVIOUS);
	ok(config_rollback(".", &why) == -1 && why.len > 0,
	   "nothing to go back to");
	read_all("config.cdb", &one);
	table("me", "other.example\n");
	if (!ok(compile(&c), "another build"))
		return;
	config_close(&c);
	read_all("config.cdb", &two);
	if (ok(compile(&c), "once more the same"))
		config_close(&c);
	read_all(BUILD_PREVIOUS, &now);
	ok(slice_eq(buf_slice(&now), buf_slice(&one)),
	   "which does not push the first out");
	ok(config_rollback(".", &why) == 0, "back");
	read_all("config.cdb", &now);
	ok(slice_eq(buf_slice(&now), buf_slice(&one)), "to the first");
	ok(config_rollback(".", &why) == 0, "and forth");
	read_all("config.cdb", &now);
	ok(slice_eq(buf_slice(&now), buf_slice(&two)), "to the second");
	write_file(BUILD_PREVIOUS, "x", 1);
	ok(config_rollback(".", &why) == -1, "not to what is damaged");
	buf_free(&one);
	buf_free(&two);
	buf_free(&now);
	buf_free(&why);
}

/* Of a node with these routes, locals, users and aliases. */
static char
postmaster(const char *routed, const char *locals, const char *users,
	   const char *aliases)
{
	const char *why = "";
	struct config c;
	char code;

	no_tables();
	table("me", "hub.example\n");
	table("routes", routed);
	table("locals", locals);
	table("users", users);
	table("aliases", aliases);
	if (!compile(&c))
		return '?';
	code = config_postmaster(&c, SLICE("Postmaster"), &why);
	printf("# %c %s\n", code, why);
	config_close(&c);
	return code;
}

static void
test_postmaster(void)
{
	ok(postmaster("* smtp:mx\n", "", "", "") == 'D', "nobody serves him");
	ok(postmaster("* smtp:mx\n", "hub.example\n",
		      "joe@hub.example "
		      "maildir:a\n",
		      "") == 'D',
	   "no mailbox");
	ok(postmaster("* smtp:mx\n", "hub.example\n",
		      "postmaster@hub.example maildir:a\n", "") == 'K',
	   "a mailbox");
	ok(postmaster("* smtp:mx\n", "", "",
		      "postmaster@hub.example x@far.example\n") == 'K',
	   "an alias");
	ok(postmaster("hub.example smtp:mx\n", "", "", "") == 'K',
	   "a route of his own");
	ok(postmaster("* qmtp:hub:209\n", "", "", "") == 'K',
	   "another hub knows");
	ok(postmaster("x.example hold\n", "", "", "") == 'Z', "no route");
}

/* Who may not write in the directory is told who may. */
static void
test_unwritable(void)
{
	bool is_root = geteuid() == 0;
	enum build_result result;
	char owner[40];
	struct report r;
	struct stat st;

	no_tables();
	table("me", "third.example\n");
	if (chmod("me", 0644) != 0 || stat(".", &st) != 0 ||
	    chmod(".", 0555) != 0 || (is_root && seteuid(65534) != 0)) {
		printf("# skip: there is no other user here\n");
		chmod(".", 0755);
		return;
	}
	snprintf(owner, sizeof owner, "its owner, uid %lu, or root",
		 (unsigned long)st.st_uid);
	report_init(&r);
	result = config_build(".", &r);
	ok(result == BUILD_FAILED && r.errors.n == 1 &&
	       memmem(r.errors.text.mem, r.errors.text.len, owner,
		      strlen(owner)),
	   "build by another user: %.*s", (int)r.errors.text.len - 1,
	   buf_slice(&r.errors.text).at);
	report_free(&r);
	ok(is_root ? seteuid(0) == 0 : true, "back");
	ok(chmod(".", 0755) == 0, "and writable again");
}

int
main(void)
{
	struct config c;

	tables_begin();
	tables();
	if (ok(compile(&c), "the tables are right")) {
		test_virtual(&c);
		config_close(&c);
	}
	table("virtualdomains", "v.example:joe\n.s.v.example:Jim\n"
				"free@v.example:\n");
	if (ok(compile(&c), "and again")) {
		test_senders(&c);
		test_options(&c);
		test_accepts(&c);
		test_policies(&c);
		config_close(&c);
		test_rollback();
		test_postmaster();
		test_unwritable();
	}
	unlink("key1");
	unlink("key2");
	tables_end();
	return tap_done();
}
