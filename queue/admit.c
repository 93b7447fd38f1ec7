#include "queue/admit.h"

#include "lib/log.h"
#include "lib/often.h"

enum { ADMIT_NAME_MAX = 32 };

static const struct {
	const char *name;
	unsigned bit;
} fronts[] = {
    {"qmqpd", ADMIT_QMQP}, {"qmtpd", ADMIT_QMTP}, {"smtp-in", ADMIT_SMTP}};

/* Who serves which next hops; all others are the table's. */
static const struct {
	const char *agent, *caller;
} agents[] = {{"qmtp", "qmtpc"},
	      {"qmtps", "qmtpc"},
	      {"smtp", "smtp-out"},
	      {"maildir", "maildir"}};

enum {
	N_FRONTS = sizeof fronts / sizeof *fronts,
	N_AGENTS = sizeof agents / sizeof *agents
};

/* the users of the table agents */

struct user {
	char name[ADMIT_NAME_MAX];
	uint8_t len;
	uid_t uid;
};

static bool
find_user(const struct admit *a, struct slice name, uid_t *uid)
{
	struct slice rest = buf_slice(&a->users);
	struct user user;

	for (; rest.len > 0; rest = slice_from(rest, sizeof user)) {
		memcpy(&user, rest.at, sizeof user);
		if (slice_eq(slice_of(user.name, user.len), name)) {
			*uid = user.uid;
			return true;
		}
	}
	return false;
}

/* Of the table, as it is now. */
static bool
is_user(const struct admit *a, uid_t uid)
{
	struct slice name;
	unsigned i;
	uid_t its;

	for (i = 0; config_agent_user(a->config, i, &name); i++)
		if (find_user(a, name, &its) && its == uid)
			return true;
	return false;
}

static void
log_unknown(struct slice user)
{
	log_open("caller-unknown");
	log_text("table", "agents");
	log_bytes("user", user);
	log_text("hint", "the system has no such user, or had none when the "
			 "queue was started: its agents are refused until the "
			 "queue is restarted");
	log_close();
}

/* Whom we know we keep: shut in, we cannot ask the system again. */
static void
learn_user(struct admit *a, struct slice name)
{
	struct user user = {.len = (uint8_t)name.len};
	uid_t its;

	if (name.len > ADMIT_NAME_MAX || find_user(a, name, &its))
		return;
	if (callers_user(name, &user.uid) != 0) {
		log_unknown(name);
		return;
	}
	memcpy(user.name, name.at, name.len);
	buf_put(&a->users, &user, sizeof user);
}

void
admit_tables(struct admit *a)
{
	struct slice name;
	unsigned i;

	for (i = 0; config_agent_user(a->config, i, &name); i++)
		learn_user(a, name);
}

void
admit_init(struct admit *a, const struct config *c)
{
	*a = (struct admit){.config = c};
	callers_read(&a->callers);
	admit_tables(a);
}

void
admit_free(struct admit *a)
{
	buf_free(&a->users);
}

/* what is said */

static const char *const sockets[] = {"door", "agent", "control"};

void
admit_refuse(enum admit_socket socket, uid_t uid, struct slice as,
	     const char *why)
{
	const struct endpoint local = {0};

	if (!often_open("stranger", &local, why, OFTEN_FIRST))
		return;
	log_text("socket", sockets[socket]);
	log_number("uid", (int64_t)uid);
	if (as.len > 0)
		log_bytes("as", as);
	log_text("why", why);
	log_close();
}

/* A reason for each socket: of each the first is logged. */
static bool
refuse(enum admit_socket socket, uid_t uid)
{
	static const char *const why[] = {"no front end here has this user",
					  "no agent here has this user",
					  "no operator here has this user"};

	admit_refuse(socket, uid, SLICE(""), why[socket]);
	return false;
}

/* who it is */

static bool
known(enum admit_socket socket, int fd, uid_t *uid)
{
	*uid = (uid_t)-1;
	if (callers_uid(fd, uid) == 0)
		return true;
	admit_refuse(socket, *uid, SLICE(""),
		     "the system does not say who it is");
	return false;
}

unsigned
admit_door(struct admit *a, int fd, uid_t *uid)
{
	unsigned bits = 0;
	size_t i;

	if (!known(ADMIT_DOOR, fd, uid))
		return 0;
	for (i = 0; i < N_FRONTS; i++)
		if (callers_are(&a->callers, fronts[i].name, *uid))
			bits |= fronts[i].bit;
	if (bits == 0)
		refuse(ADMIT_DOOR, *uid);
	return bits;
}

/* Ours of the table that has no user: the queue's own. */
static bool
is_own(const struct admit *a, uid_t uid)
{
	return uid == a->callers.own;
}

bool
admit_agent(struct admit *a, int fd, uid_t *uid)
{
	size_t i;

	if (!known(ADMIT_AGENT, fd, uid))
		return false;
	for (i = 0; i < N_AGENTS; i++)
		if (callers_are(&a->callers, agents[i].caller, *uid))
			return true;
	return is_own(a, *uid) || is_user(a, *uid) || refuse(ADMIT_AGENT, *uid);
}

bool
admit_control(struct admit *a, int fd)
{
	uid_t uid;

	if (!known(ADMIT_CONTROL, fd, &uid))
		return false;
	return is_own(a, uid) || uid == 0 ||
	       (a->callers.is_told &&
		callers_are(&a->callers, "operator", uid)) ||
	       refuse(ADMIT_CONTROL, uid);
}

bool
admit_crowd(struct admit *a, enum admit_socket socket, uid_t uid, size_t n)
{
	size_t most = socket == ADMIT_DOOR ? ADMIT_DOOR_MAX : ADMIT_AGENT_MAX;

	if (!a->callers.is_told || n < most)
		return false;
	admit_refuse(socket, uid, SLICE(""),
		     "this user has too many connections");
	return true;
}

/* what it says that it is */

static bool
is_ours(const struct admit *a, struct slice name, uid_t uid)
{
	size_t i;

	for (i = 0; i < N_AGENTS; i++)
		if (slice_eq(name, slice_text(agents[i].agent)))
			return callers_are(&a->callers, agents[i].caller, uid);
	return is_own(a, uid);
}

const char *
admit_hello(const struct admit *a, uid_t uid, struct slice name, size_t n)
{
	struct config_agent line;
	uid_t its;

	config_agent(a->config, name, &line);
	if (line.user.len > 0 ? !find_user(a, line.user, &its) || its != uid
			      : !is_ours(a, name, uid))
		return "these next hops are another user's; see agents";
	if (n >= line.processes)
		return "as many processes serve these as may; see processes= "
		       "in agents";
	return NULL;
}
