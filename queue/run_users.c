#include "queue/run_users.h"

#include "lib/die.h"
#include "lib/fs.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DOOR_GROUP  "quail-door"
#define AGENT_GROUP "quail-agent"

static const char *const users[] = {
    "quail",	      "quail-leafdoor", "quail-queue",
    "quail-qmqpd",    "quail-qmtpd",	"quail-smtp-in",
    "quail-smtp-out", "quail-qmtpc",	"quail-maildir"};

/* As the queue calls them (queue/admit.h). */
static const char *const callers[] = {"qmqpd",	  "qmtpd", "smtp-in",
				      "smtp-out", "qmtpc", "maildir"};

static void
say_one(const char *why, const char *object)
{
	log_open("one-user");
	log_text("why", why);
	if (object)
		log_text("object", object);
	log_text("hint", "all daemons run as the user of quail run; see quail "
			 "(1)");
	log_close();
}

static bool
has_group(const char *name, gid_t *gid)
{
	const struct group *g = getgrnam(name);

	if (g)
		*gid = g->gr_gid;
	return g != NULL;
}

bool
run_users_get(const char *name, struct run_user *user)
{
	const struct passwd *p = getpwnam(name);

	if (!p)
		return false;
	*user = (struct run_user){.name = name,
				  .uid = p->pw_uid,
				  .gid = p->pw_gid,
				  .n_groups = RUN_GROUPS_MAX};
	return user->uid != 0 && getgrouplist(name, user->gid, user->groups,
					      &user->n_groups) >= 0;
}

/* "qmqpd=990 qmtpd=991": numbers, so that the queue need not ask again. */
static void
list_callers(struct run_users *u)
{
	struct run_user user;
	struct buf name = {0};
	size_t i;

	for (i = 0; i < sizeof callers / sizeof *callers; i++) {
		buf_clear(&name);
		buf_text(&name, "quail-");
		buf_put(&name, callers[i], strlen(callers[i]) + 1);
		if (!run_users_get(buf_slice(&name).at, &user))
			continue;
		buf_text(&u->callers, callers[i]);
		buf_putc(&u->callers, '=');
		buf_number(&u->callers, user.uid);
		buf_putc(&u->callers, ' ');
	}
	buf_putc(&u->callers, 0);
	buf_free(&name);
}

void
run_users_find(struct run_users *u)
{
	struct run_user user;
	size_t i;

	*u = (struct run_users){0};
	if (geteuid() != 0)
		return;
	if (getenv("QUAIL_ONE_USER")) {
		say_one("QUAIL_ONE_USER is set", NULL);
		return;
	}
	for (i = 0; i < sizeof users / sizeof *users; i++)
		if (!run_users_get(users[i], &user)) {
			say_one("the system has no such user", users[i]);
			return;
		}
	if (!has_group(DOOR_GROUP, &u->door) ||
	    !has_group(AGENT_GROUP, &u->agent)) {
		say_one("the system has no such group",
			DOOR_GROUP " or " AGENT_GROUP);
		return;
	}
	u->are_many = true;
	list_callers(u);
}

/* in a child */

void
run_users_become(const struct run_user *user)
{
	if (setgroups((size_t)user->n_groups, user->groups) != 0 ||
	    setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		die_sys("becoming the user", user->name);
	if (setuid(0) == 0)
		die_bug("root can be had back");
}

void
run_users_weaken(void)
{
	int c;

	if (geteuid() != 0)
		return;
	/* What is not in the set is gone with the next program. */
	for (c = 0; prctl(PR_CAPBSET_DROP, c, 0, 0, 0) == 0; c++)
		continue;
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

bool
run_users_reach(const struct run_user *user, const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		run_users_become(user);
		_exit(access(path, X_OK) == 0 ? 0 : 1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* files */

int
run_users_share(const struct run_users *u, const struct run_user *queue,
		const char *name, const char *path)
{
	bool is_door = strcmp(name, "door") == 0;
	bool is_agent = strcmp(name, "agent") == 0;
	gid_t gid = is_door ? u->door : is_agent ? u->agent : queue->gid;

	if (lchown(path, queue->uid, gid) != 0)
		return -1;
	return chmod(path, is_door || is_agent ? 0660 : 0600);
}

struct handing {
	const struct run_user *user;
	uid_t from; /* whose the directory was */
	gid_t from_group;
	bool is_shared; /* anybody may put things there */
	size_t n;
};

static bool
is_open_to_others(const struct stat *st)
{
	return (st->st_mode & (S_IWGRP | S_IWOTH)) != 0;
}

/* Of others nothing: they have moved it here, or come by it themselves. In a
 * shared one a file of root's may be one that was moved there, too; one that
 * was made there has its group. A directory that is closed to others they
 * cannot move. And what has a name elsewhere could be anybody's. */
static bool
is_to_give(const struct handing *h, const struct stat *st, bool is_top)
{
	bool is_former = st->st_uid == 0 || st->st_uid == h->from;

	if (S_ISDIR(st->st_mode))
		return st->st_uid != h->user->uid &&
		       (is_top || (is_former &&
				   !(h->is_shared && is_open_to_others(st))));
	if (!S_ISREG(st->st_mode) || st->st_nlink != 1 ||
	    st->st_uid == h->user->uid)
		return false;
	return h->is_shared ? st->st_gid == h->from_group : is_former;
}

/* A file in a shared one stays whose it is. Its user reads what its mode lets
 * the group read: mail. */
static void
give(struct handing *h, int fd, const struct stat *st, const char *name)
{
	bool stays = h->is_shared && S_ISREG(st->st_mode);

	if (fchown(fd, stays ? (uid_t)-1 : h->user->uid, h->user->gid) != 0)
		die_sys("giving a file to a daemon's user", name);
	h->n++;
}

/* Two floors are looked at always, and then what is in a directory that was
 * not the user's: mailboxes may have millions of files. */
enum { DEPTH = 4, DEPTH_ALWAYS = 2 };

static void
hand(struct handing *h, int above, const char *name, unsigned depth)
{
	int fd =
	    openat(above, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct buf names = {0};
	bool is_given = false;
	struct stat st;
	size_t at;

	if (fd < 0)
		return; /* the daemon will say so */
	if (fstat(fd, &st) != 0)
		st = (struct stat){0};
	is_given = is_to_give(h, &st, depth == DEPTH);
	if (is_given)
		give(h, fd, &st, name);
	if (S_ISDIR(st.st_mode) && depth > 0 &&
	    (is_given || (depth > DEPTH - DEPTH_ALWAYS && !h->is_shared)) &&
	    fs_list(fd, &names) == 0)
		for (at = 0; at < names.len;
		     at += strlen(names.mem + names.off + at) + 1)
			hand(h, fd, names.mem + names.off + at, depth - 1);
	buf_free(&names);
	close(fd);
}

size_t
run_users_hand(const char *path, const struct run_user *user, bool is_shared)
{
	struct handing h = {.user = user, .is_shared = is_shared};
	struct stat st;

	if (lstat(path, &st) == 0)
		h = (struct handing){.user = user,
				     .is_shared = is_shared,
				     .from = st.st_uid,
				     .from_group = st.st_gid};
	hand(&h, AT_FDCWD, path, DEPTH);
	if (h.n > 0) {
		log_open("given");
		log_text("path", path);
		log_text("user", user->name);
		log_number("n", (int64_t)h.n);
		log_close();
	}
	return h.n;
}
