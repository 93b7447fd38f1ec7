#include "queue/run_home.h"

#include "cdb/config.h"
#include "lib/die.h"
#include "lib/endpoint.h"
#include "lib/fs.h"
#include "lib/home.h"
#include "lib/log.h"
#include "queue/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* As packaging/tmpfiles.d has them. */
#define MAIL  "mail"
#define SPOOL "spool"

enum { SPOOL_MODE = 03733, MOMENT_NS = 50 * 1000 * 1000, MOMENTS = 40 };

static void
make_directory(const char *name)
{
	if (fs_mkdir(AT_FDCWD, name, 0700) != 0 && errno != EEXIST)
		die_sys("making the directory", name);
}

static void
refuse(const char *hint)
{
	log_open("locked");
	log_text("hint", hint);
	log_close();
	log_finish();
	_exit(COMMAND_LATER);
}

/* The lock is the open directory; it goes when we do. */
static void
lock(void)
{
	int fd = fs_open_dir(AT_FDCWD, "run");

	if (fd < 0)
		die_sys("opening the directory", "run");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return;
	if (errno == EWOULDBLOCK)
		refuse("another quail run has this directory");
	die_sys("locking the directory", "run");
}

static bool
answers(const char *path)
{
	int fd = unix_connect(path);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Daemons that another started, the units perhaps, have what we would take
 * away from them. Those of a run that was killed need a moment to end. */
static void
look_for_others(void)
{
	const struct timespec moment = {.tv_nsec = MOMENT_NS};
	int i;

	for (i = 0; answers(HOME_CONTROL) || answers(HOME_DOOR); i++) {
		if (i == MOMENTS)
			refuse("this node's daemons run already; for those of "
			       "systemd: systemctl stop quail-hub.target, on a "
			       "leaf quail-leafdoor");
		nanosleep(&moment, NULL);
	}
}

void
run_home_make(void)
{
	make_directory(HOME_QUEUE);
	make_directory("run");
	lock();
	look_for_others();
}

/* the users' own */

static struct run_user
user_of(const char *name)
{
	struct run_user user;

	if (!run_users_get(name, &user))
		die_config("the system has no such user any more", name);
	return user;
}

/* Made, or of a run as another user: it is to be this one's. */
static void
give(const char *name, mode_t mode, const char *user_name)
{
	struct run_user user = user_of(user_name);
	struct stat st;

	if (fs_mkdir(AT_FDCWD, name, 0700) != 0 && errno != EEXIST)
		die_sys("making the directory", name);
	if (lstat(name, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	run_users_hand(name, &user, mode == SPOOL_MODE);
	if (st.st_uid != user.uid && chmod(name, mode) != 0)
		die_sys("opening the directory to its users", name);
}

void
run_home_check(const struct run_users *u, const char *dir, const char *bin)
{
	struct run_user queue;

	if (!u->are_many)
		return;
	queue = user_of("quail-queue");
	if (!run_users_reach(&queue, dir))
		die_config("the daemons' users cannot enter the node's "
			   "directory; let all enter it and those above it, or "
			   "set QUAIL_ONE_USER=1 to run all as root",
			   dir);
	if (!run_users_reach(&queue, bin))
		die_config(
		    "the daemons' users cannot run the programs; let "
		    "all enter this directory and those above it, or set "
		    "QUAIL_ONE_USER=1 to run all as root",
		    bin);
}

void
run_home_give(const struct run_users *u, unsigned needs, bool is_leaf)
{
	struct run_user queue;

	if (!u->are_many)
		return;
	queue = user_of("quail-queue");
	run_users_hand(HOME_QUEUE, &queue, false);
	if (lchown("run", 0, 0) != 0 || chmod("run", 0755) != 0)
		die_sys("opening the directory to the daemons", "run");
	if (needs & CONFIG_NEEDS_MAILDIR)
		give(MAIL, 0700, "quail-maildir");
	if (is_leaf || (needs & CONFIG_NEEDS_LEAFDOOR))
		give(SPOOL, SPOOL_MODE, "quail");
}

static bool
is_door(const struct run_sockets *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (strcmp(s->all[i].name, "agent") == 0)
			return false;
	return true;
}

void
run_home_share(const struct run_users *u, const struct run_sockets *s)
{
	struct run_user owner;
	size_t i;

	if (!u->are_many)
		return;
	owner = user_of(is_door(s) ? "quail-leafdoor" : "quail-queue");
	for (i = 0; i < s->n; i++)
		if (strncmp(s->all[i].at, "run/", 4) == 0 &&
		    run_users_share(u, &owner, s->all[i].name, s->all[i].at) !=
			0)
			die_sys("giving a socket to its user", s->all[i].at);
}

void
run_home_return(const struct run_users *u, const struct run_sockets *s)
{
	struct run_user owner;

	if (!u->are_many)
		return;
	owner = user_of(is_door(s) ? "quail-leafdoor" : "quail-queue");
	if (lchown("run", owner.uid, owner.gid) != 0)
		die_sys("giving a directory back to its user", "run");
}
