#include "lib/callers.h"

#include "lib/buf.h"
#include "lib/die.h"
#include "lib/log.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64 };

int
callers_uid(int fd, uid_t *uid)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
		return -1;
	*uid = who.uid;
	return 0;
}

/* As the C library wants it; false: too long for any name. */
static bool
as_text(struct slice s, char text[NAME_MAX_BYTES + 1])
{
	if (s.len == 0 || s.len > NAME_MAX_BYTES)
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = 0;
	return true;
}

int
callers_user(struct slice user, uid_t *uid)
{
	char name[NAME_MAX_BYTES + 1];
	const struct passwd *p;
	uint64_t n;

	if (slice_number(user, UINT32_MAX - 1, &n) == 0) {
		*uid = (uid_t)n;
		return 0;
	}
	p = as_text(user, name) ? getpwnam(name) : NULL;
	if (!p)
		return -1;
	*uid = p->pw_uid;
	return 0;
}

static int
group(struct slice s, gid_t *gid)
{
	char name[NAME_MAX_BYTES + 1];
	const struct group *g;
	uint64_t n;

	if (slice_number(s, UINT32_MAX - 1, &n) == 0) {
		*gid = (gid_t)n;
		return 0;
	}
	g = as_text(s, name) ? getgrnam(name) : NULL;
	if (!g)
		return -1;
	*gid = g->gr_gid;
	return 0;
}

/* The next "NAME=VALUE" of a list. */
static bool
next(const char *variable, struct slice *rest, struct slice *name,
     struct slice *value)
{
	struct slice word = slice_word(rest);
	size_t eq = slice_find(word, '=');

	if (word.len == 0)
		return false;
	if (eq == 0 || eq + 1 >= word.len)
		die_config("words in the environment are NAME=USER or "
			   "SOCKET=GROUP",
			   variable);
	*name = slice_of(word.at, eq);
	*value = slice_from(word, eq + 1);
	return true;
}

static void
log_unknown(const struct callers_one *one, struct slice user)
{
	log_open("caller-unknown");
	log_bytes("caller", one->name);
	log_bytes("user", user);
	log_text("hint", "the system has no such user; nobody can call as this "
			 "one until it has, and this daemon is restarted");
	log_close();
}

void
callers_read(struct callers *c)
{
	const char *list = getenv(CALLERS_VARIABLE);
	struct slice rest, user;

	*c = (struct callers){.own = geteuid(), .is_told = list != NULL};
	if (!list)
		return;
	rest = slice_text(list);
	while (c->n < CALLERS_MAX) {
		struct callers_one *one = &c->all[c->n];

		if (!next(CALLERS_VARIABLE, &rest, &one->name, &user))
			return;
		one->is_known = callers_user(user, &one->uid) == 0;
		if (!one->is_known)
			log_unknown(one, user);
		c->n++;
	}
	die_config("too many callers", CALLERS_VARIABLE);
}

bool
callers_are(const struct callers *c, const char *name, uid_t uid)
{
	size_t i;

	if (!c->is_told)
		return uid == c->own;
	for (i = 0; i < c->n; i++)
		if (c->all[i].is_known && c->all[i].uid == uid &&
		    slice_eq(c->all[i].name, slice_text(name)))
			return true;
	return false;
}

void
callers_share(const char *name, const char *path)
{
	const char *list = getenv(CALLERS_GROUPS);
	struct slice rest = slice_text(list ? list : ""), socket, its;
	gid_t gid;

	while (next(CALLERS_GROUPS, &rest, &socket, &its)) {
		if (!slice_eq(socket, slice_text(name)))
			continue;
		if (group(its, &gid) != 0)
			die_config("the system has no such group",
				   CALLERS_GROUPS);
		if (chown(path, (uid_t)-1, gid) != 0 || chmod(path, 0660) != 0)
			die_sys("giving a socket its group", path);
	}
}
