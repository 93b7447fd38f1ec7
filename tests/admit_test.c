/* admit_test - who may call the queue, and what front ends may claim
 *
 * One end of a pair of sockets is ours, so the other is too: which names our
 * user has is what the environment says. */
#include "queue/admit.h"

#include "queue/claims.h"
#include "tests/tables.h"

#include <sys/resource.h>
#include <sys/socket.h>

static struct config config;
static struct admit admit;
static int ends[2];

static void
begin(const char *callers)
{
	char list[256];

	admit_free(&admit);
	if (callers) {
		snprintf(list, sizeof list, callers, (unsigned)geteuid());
		setenv(CALLERS_VARIABLE, list, 1);
	} else {
		unsetenv(CALLERS_VARIABLE);
	}
	admit_init(&admit, &config);
}

static unsigned
door(void)
{
	uid_t uid = (uid_t)-1;
	unsigned fronts = admit_door(&admit, ends[0], &uid);

	return uid == geteuid() ? fronts : 0;
}

static bool
agent(void)
{
	uid_t uid;

	return admit_agent(&admit, ends[0], &uid);
}

static bool
serves(uid_t uid, const char *name, size_t n)
{
	return admit_hello(&admit, uid, slice_text(name), n) == NULL;
}

static void
test_one_user(void)
{
	uid_t own = geteuid();

	begin(NULL);
	ok(door() == ADMIT_FRONTS, "one user is every front end");
	ok(agent(), "and every agent");
	ok(serves(own, "smtp", 0) && serves(own, "maildir", 0) &&
	       serves(own, "pager", 0),
	   "by each name");
	ok(!serves(own + 1, "smtp", 0) && !serves(own + 1, "pager", 0) &&
	       !serves(0, "smtp", 0) == (own != 0),
	   "another user is none, nor is root");
	ok(admit_control(&admit, ends[0]), "and asks by control");
	ok(!admit_crowd(&admit, ADMIT_DOOR, own, 1000),
	   "no share is kept for others where there are none");
}

static void
test_users(void)
{
	begin("qmqpd=%u smtp-in=4000000001 maildir=4000000002 "
	      "smtp-out=4000000003");
	ok(door() == ADMIT_QMQP, "a user is the front end that it was told");
	ok(agent() == (admit.callers.own == geteuid()),
	   "the queue's own user serves what the table gives to nobody else");
	admit.callers.own = 4000000009;
	ok(!agent(), "but a front end's user is no agent");
	ok(!admit_control(&admit, ends[0]) == (geteuid() != 0),
	   "nor an operator, unless it is root");
	ok(serves(4000000002, "maildir", 0), "an agent's name is its user's");
	ok(!serves(4000000003, "maildir", 0) && !serves(0, "maildir", 0) &&
	       !serves(4000000009, "maildir", 0),
	   "no other agent's, nor root's, nor the queue's");
	ok(!serves(4000000003, "qmtp", 0), "a name without a user is nobody's");
	ok(!serves(4000000002, "maildir", 1), "a second one is one too many");
	ok(serves(4000000003, "smtp", 1) && !serves(4000000003, "smtp", 2),
	   "but where the table says so");
	ok(serves(4000000005, "fax", 0) && !serves(4000000009, "fax", 0),
	   "an agent of the table is its user's there");
	ok(serves(4000000009, "pager", 0) && !serves(4000000005, "pager", 0),
	   "and without one the queue's own");
	ok(!serves(4000000005, "lost", 0),
	   "a user whom the system has not is nobody");
	ok(admit_crowd(&admit, ADMIT_DOOR, 4000000001, ADMIT_DOOR_MAX),
	   "one user cannot have all connections");
	begin("smtp-in=4000000001 qmqpd=%u qmtpd=%u");
	begin("maildir=%u operator=4000000001");
	ok(door() == 0, "an agent's user is no front end");
	ok(agent(), "but an agent");
	begin("");
	admit.callers.own = 4000000009;
	ok(door() == 0 && !agent(), "an empty list has nobody");
}

/* Shut in, the queue cannot read the system's list of users any more. */
static void
test_refresh(void)
{
	struct rlimit files, none = {0, 0};
	uid_t uid = (uid_t)-1;

	callers_user(SLICE("daemon"), &uid);
	begin("qmqpd=%u");
	getrlimit(RLIMIT_NOFILE, &files);
	none.rlim_max = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	admit_tables(&admit);
	setrlimit(RLIMIT_NOFILE, &files);
	ok(uid != (uid_t)-1 && serves(uid, "old", 0),
	   "new tables do not make the queue forget whom it knew");
}

/* claims */

static int
says_all(unsigned fronts, const char *a, const char *b)
{
	struct claims c = {0};

	return claims_attr(&c, fronts, slice_text(a)) |
	       claims_attr(&c, fronts, slice_text(b));
}

static struct claims_relayed last;

static bool
holds(const char *client, const char *pin, const char *rcpt, bool relay)
{
	struct claims c = {0};

	if (relay)
		claims_attr(&c, ADMIT_QMTP, SLICE("relay=1"));
	claims_rcpt(&c, &config, SLICE("a@hub.test"));
	claims_rcpt(&c, &config, slice_text(rcpt));
	return claims_fault(&c, &config, slice_text(client), slice_text(pin),
			    &last) == NULL;
}

static void
test_attributes(void)
{
	ok(says_all(ADMIT_QMTP, "proto=QMTPS", "pin=sha256:ab") == 0 &&
	       says_all(ADMIT_SMTP, "proto=ESMTP", "client=10.0.0.1") == 0,
	   "what a front end can know");
	ok(says_all(ADMIT_SMTP, "proto=QMTP", "x=y") != 0 &&
	       says_all(ADMIT_QMTP, "proto=QMQP", "x=y") != 0 &&
	       says_all(ADMIT_QMQP, "proto=other", "x=y") != 0,
	   "not another one's protocol");
	ok(says_all(ADMIT_SMTP, "proto=SMTP", "pin=sha256:ab") != 0,
	   "by SMTP no client has a pin");
	ok(says_all(ADMIT_QMTP, "client=a", "client=b") != 0 &&
	       says_all(ADMIT_QMTP, "proto=QMTP", "proto=QMTPS") != 0,
	   "nothing twice");
	ok(says_all(ADMIT_FRONTS, "proto=other", "pin=sha256:ab") == 0,
	   "where one user is all of them, any");
}

static void
test_rights(void)
{
	ok(holds("10.1.2.3", "", "x@far.test", true), "a network that relays");
	ok(holds("10.1.2.3", "", "x@far.test", true), "and again");
	ok(!holds("10.1.2.3x", "", "x@far.test", true) &&
	       !holds("10.1.2.", "", "x@far.test", true) &&
	       !holds("", "10.1.2.3", "x@far.test", true),
	   "which is of no use to others");
	ok(!holds("10.2.0.1", "", "x@far.test", true),
	   "one that may not, whatever was claimed");
	ok(!holds("", "", "x@hub.test", true) &&
	       !holds("local", "", "x@hub.test", true) &&
	       !holds("10.1.2.3x", "", "x@hub.test", true),
	   "no address, no right");
	ok(holds("192.0.2.1", TABLES_PIN, "x@far.test", true),
	   "a pin that relays");
	ok(!holds("192.0.2.1", "sha256:ab", "x@far.test", true), "no such pin");
	ok(holds("192.0.2.1", "", "x@other.test", false),
	   "strangers send to rcpthosts");
	ok(holds("192.0.2.1", "", "postmaster", false), "and to postmaster");
	ok(!holds("192.0.2.1", "", "x@far.test", false),
	   "and nowhere else, though nothing was claimed");
	ok(!holds("10.1.2.3", "", "x@far.test", false),
	   "nor does one who may, without saying so");
}

int
main(void)
{
	struct buf why = {0};

	tables_begin();
	table("me", "hub.test\n");
	table("locals", "hub.test\n");
	table("users", "*@hub.test maildir:mail/%u\n");
	table("rcpthosts", "other.test\n");
	table("access", "10.1.0.0/16 relay\n10.2.0.0/16 repeats\n" TABLES_PIN
			" one relay\n");
	table("routes", "* smtp:mx\n");
	table("agents", "smtp processes=2\nfax user=4000000005\npager\n"
			"lost user=quail-no-such-user\nold user=daemon\n");
	says("tables", BUILD_DONE, "", "");
	config_open(&config, "config.cdb", &why);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
		return 1;
	test_one_user();
	test_users();
	test_refresh();
	test_attributes();
	test_rights();
	admit_free(&admit);
	config_close(&config);
	buf_free(&why);
	tables_end();
	return tap_done();
}
