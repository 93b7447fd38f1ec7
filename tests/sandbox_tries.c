#include "tests/sandbox_tries.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct sandbox_aims aims;

static int
outcome(long r)
{
	return r < 0 ? errno : 0;
}

static int
opened(int fd)
{
	int e = outcome(fd);

	if (fd >= 0)
		close(fd);
	return e;
}

/* files */

static const char *
beside(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", aims.outside, name);
	return path;
}

static int
read_passwd(void)
{
	return opened(open("/etc/passwd", O_RDONLY));
}

static int
read_random(void)
{
	return opened(open("/dev/urandom", O_RDONLY));
}

static int
read_outside(void)
{
	return opened(open(beside("secret"), O_RDONLY));
}

static int
read_own_memory(void)
{
	return opened(open("/proc/self/mem", O_RDONLY));
}

static int
read_environment(void)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/environ", (int)aims.victim);
	return opened(open(path, O_RDONLY));
}

static int
list_root(void)
{
	return opened(open("/", O_RDONLY | O_DIRECTORY));
}

static int
list_node(void)
{
	return opened(open(".", O_RDONLY | O_DIRECTORY));
}

static int
write_config(void)
{
	return opened(open("config.cdb", O_WRONLY));
}

static int
write_device(void)
{
	return opened(open("/dev/null", O_WRONLY));
}

static int
make_in_node(void)
{
	return opened(open("made", O_WRONLY | O_CREAT, 0600));
}

static int
make_outside(void)
{
	return opened(open(beside("made"), O_WRONLY | O_CREAT, 0600));
}

static int
make_in_queue(void)
{
	return opened(open("queue/made", O_WRONLY | O_CREAT, 0600));
}

static int
make_in_mail(void)
{
	return opened(open("mail/made", O_WRONLY | O_CREAT, 0600));
}

static int
make_in_spool(void)
{
	return opened(open("spool/made", O_WRONLY | O_CREAT, 0600));
}

static int
replace_config(void)
{
	return outcome(
	    renameat(AT_FDCWD, "other", AT_FDCWD, "config.cdb.fake"));
}

static int
remove_other(void)
{
	return outcome(unlinkat(AT_FDCWD, "other", 0));
}

static int
link_other(void)
{
	return outcome(linkat(AT_FDCWD, "other", AT_FDCWD, "linked", 0));
}

static int
link_in_mail(void)
{
	return outcome(linkat(AT_FDCWD, "other", AT_FDCWD, "mail/linked", 0));
}

static int
symlink_it(void)
{
	return outcome(symlinkat("/etc/passwd", AT_FDCWD, "spool/s"));
}

static int
make_directory(void)
{
	return outcome(mkdirat(AT_FDCWD, "directory", 0700));
}

static int
make_fifo(void)
{
	return outcome(mknodat(AT_FDCWD, "spool/fifo", S_IFIFO | 0600, 0));
}

static int
truncate_other(void)
{
	return outcome(truncate("other", 0));
}

static int
change_mode(void)
{
	return outcome(fchmodat(AT_FDCWD, "other", 0777, 0));
}

static int
change_open_mode(void)
{
	int fd = open("spool", O_RDONLY | O_DIRECTORY);

	return fd < 0 ? errno : outcome(fchmod(fd, 0700));
}

static int
make_setuid(void)
{
	int fd = open("spool/made", O_WRONLY | O_CREAT, 0600);

	return fd < 0 ? errno : outcome(fchmod(fd, 04755));
}

static int
born_setuid(void)
{
	return opened(open("spool/made", O_WRONLY | O_CREAT, 04755));
}

static int
born_setgid(void)
{
	return opened(
	    open("mail/.", O_WRONLY | O_TMPFILE | O_DIRECTORY, 02755));
}

static int
born_setuid_anew(void)
{
	const uint64_t how[3] = {O_WRONLY | O_CREAT, 04755, 0};
	int e = opened((int)syscall(437 /* openat2 */, AT_FDCWD, "mail/made",
				    how, sizeof how));

	return e == ENOSYS ? EPERM : e;
}

/* the log, which is all daemons' */

static int
empty_log(void)
{
	return outcome(ftruncate(2, 0));
}

static int
rewind_log(void)
{
	return outcome(lseek(2, 0, SEEK_SET));
}

static int
rewrite_log(void)
{
	return outcome(pwrite(2, "x", 1, 0));
}

static int
change_log(void)
{
	return outcome(fcntl(2, F_SETFL, 0));
}

static int
double_log(void)
{
	return opened(fcntl(2, F_DUPFD, 10));
}

static int
change_owner(void)
{
	return outcome(fchownat(AT_FDCWD, "other", getuid(), getgid(), 0));
}

static int
change_times(void)
{
	return outcome(utimensat(AT_FDCWD, "other", NULL, 0));
}

static int
change_root(void)
{
	return outcome(chroot("."));
}

static int
mount_it(void)
{
	int r = outcome(mount("tmpfs", "mail", "tmpfs", 0, ""));

	if (r == 0)
		umount("mail");
	return r;
}

static int
watch_it(void)
{
	int fd = inotify_init1(0);

	return fd < 0 ? errno : outcome(inotify_add_watch(fd, "/etc", IN_OPEN));
}

/* the network */

static struct sockaddr_in
at(unsigned short port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
connect_tcp(void)
{
	struct sockaddr_in a = at(aims.port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno
		      : outcome(connect(fd, (struct sockaddr *)&a, sizeof a));
}

static int
send_udp(void)
{
	struct sockaddr_in a = at(9);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	return fd < 0 ? errno
		      : outcome(sendto(fd, "x", 1, 0, (struct sockaddr *)&a,
				       sizeof a));
}

static int
listen_tcp(void)
{
	struct sockaddr_in a = at(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0)
		return errno;
	return outcome(listen(fd, 1));
}

static int
bind_port(void)
{
	struct sockaddr_in a = at((unsigned short)(20000 + getpid() % 10000));
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? errno
		      : outcome(bind(fd, (struct sockaddr *)&a, sizeof a));
}

static int
raw_socket(void)
{
	return opened(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

static int
packet_socket(void)
{
	return opened(socket(AF_PACKET, SOCK_RAW, 0));
}

static int
netlink_socket(void)
{
	return opened(socket(AF_NETLINK, SOCK_DGRAM, 0));
}

/* what our starter gives to the next process too */

static int
deafen(void)
{
	return outcome(shutdown(aims.listener, SHUT_RD));
}

static int
far_only(void)
{
	const int ttl = 255;

	return outcome(
	    setsockopt(aims.listener, IPPROTO_IP, IP_MINTTL, &ttl, sizeof ttl));
}

static int
listen_no_more(void)
{
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	return outcome(connect(aims.listener, &none, sizeof none));
}

static int
odd_option(void)
{
	const int size = 1 << 20;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? errno
		      : outcome(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
					   sizeof size));
}

static int
local_datagrams(void)
{
	return opened(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int
abstract_socket(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0)
		return errno;
	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "quail-test-%d",
		 (int)aims.parent);
	return outcome(connect(fd, (struct sockaddr *)&a, sizeof a));
}

/* processes */

static int
execute(void)
{
	char *argv[] = {(char[]){"true"}, NULL};

	execv("/bin/true", argv);
	return errno;
}

static int
execute_memory(void)
{
	char *argv[] = {(char[]){"true"}, NULL}, bytes[65536];
	int from = open("/bin/true", O_RDONLY);
	int to = memfd_create("x", MFD_CLOEXEC);
	ssize_t n;

	if (from < 0 || to < 0)
		return errno;
	while ((n = read(from, bytes, sizeof bytes)) > 0)
		if (write(to, bytes, (size_t)n) != n)
			return errno;
	fexecve(to, argv, environ);
	return errno;
}

static int
fork_it(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return outcome(pid);
}

static int
fork_apart(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return outcome(pid);
}

static int
fork_sharing(void)
{
	long pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return outcome(pid);
}

/* The calls of i386, by numbers of their own: 37 is kill there. */
static int
old_calls(void)
{
#ifdef __x86_64__
	long r = 20;

	__asm__ volatile("int $0x80"
			 : "+a"(r)
			 :
			 : "memory", "r8", "r9", "r10", "r11");
	return r > 0 ? 0 : ENOSYS;
#else
	return ENOSYS;
#endif
}

static int
x32_calls(void)
{
	return outcome(syscall(0x40000000 + SYS_getpid));
}

static void *
nothing(void *arg)
{
	return arg;
}

static int
make_thread(void)
{
	pthread_t thread;
	int e = pthread_create(&thread, NULL, nothing, NULL);

	if (e == 0)
		pthread_join(thread, NULL);
	return e;
}

static int
trace(void)
{
	return outcome(ptrace(PTRACE_SEIZE, aims.victim, NULL, NULL));
}

static int
read_memory(void)
{
	char got[sizeof aims.secret];
	struct iovec to = {got, sizeof got},
		     from = {aims.secret, sizeof aims.secret};

	return outcome(process_vm_readv(aims.victim, &to, 1, &from, 1, 0));
}

static int
kill_other(void)
{
	return outcome(kill(aims.victim, SIGCONT));
}

static int
signal_thread(void)
{
	return outcome(syscall(SYS_tgkill, aims.victim, aims.victim, SIGCONT));
}

static int
signal_by_descriptor(void)
{
	return outcome(fcntl(2, F_SETOWN, aims.victim));
}

static int
open_process(void)
{
	return opened((int)syscall(434 /* pidfd_open */, aims.victim, 0));
}

static int
limit_other(void)
{
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};

	return outcome(prlimit(aims.victim, RLIMIT_CORE, &none, NULL));
}

/* rights */

static int
change_user(void)
{
	return outcome(setuid(getuid()));
}

static int
change_groups(void)
{
	const gid_t none = 0;

	return outcome(setgroups(0, &none));
}

static int
new_namespace(void)
{
	return outcome(unshare(CLONE_NEWNS));
}

static int
new_user_namespace(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int
change_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED
		   ? errno
		   : outcome(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int
map_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int
dumpable(void)
{
	return outcome(prctl(PR_SET_DUMPABLE, 1));
}

static int
ring(void)
{
	char params[256] = {0};

	return opened((int)syscall(425 /* io_uring_setup */, 1, params));
}

static int
faults(void)
{
	return opened((int)syscall(SYS_userfaultfd, 1));
}

static int
programs(void)
{
	char attr[128] = {1, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 1};

	attr[0] = 2; /* a table of one number */
	return opened((int)syscall(SYS_bpf, 0, attr, sizeof attr));
}

static int
keys(void)
{
	return outcome(syscall(SYS_keyctl, 0, -3, 1));
}

static int
counters(void)
{
	char attr[128] = {1, 0, 0, 0, 112};

	return opened((int)syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
}

static int
shared_memory(void)
{
	int id = shmget(IPC_PRIVATE, 4096, 0600);

	if (id >= 0)
		shmctl(id, IPC_RMID, NULL);
	return outcome(id);
}

static int
scheduling(void)
{
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof all, &all) != 0)
		return errno;
	return outcome(sched_setaffinity(0, sizeof all, &all));
}

static int
host_name(void)
{
	char name[256];

	return gethostname(name, sizeof name) != 0
		   ? errno
		   : outcome(sethostname(name, strlen(name)));
}

#define NETWORK (BIT(OUT) | BIT(DRAIN))

const struct sandbox_try sandbox_tries[] = {
    {"read /etc/passwd", read_passwd, 0, 0},
    {"read /dev/urandom", read_random, NETWORK, 0},
    {"read another directory's file", read_outside, 0, 0},
    {"read /proc/self/mem", read_own_memory, 0, 0},
    {"read another's environment", read_environment, 0, 0},
    {"list /", list_root, 0, 0},
    {"list the node's directory", list_node, 0, 0},
    {"write config.cdb", write_config, 0, 0},
    {"open a device to write", write_device, 0, 0},
    {"make a file in the node", make_in_node, 0, 0},
    {"make a file elsewhere", make_outside, 0, 0},
    {"make a file in queue/", make_in_queue, BIT(QUEUE), 0},
    {"make a file in mail/", make_in_mail, BIT(MAILDIR), 0},
    {"make a file in spool/", make_in_spool, BIT(LEAFDOOR) | BIT(DRAIN), 0},
    {"rename a file of the node", replace_config, 0, 0},
    {"remove a file of the node", remove_other, 0, 0},
    {"link a file of the node", link_other, 0, 0},
    {"link one into the mail", link_in_mail, 0, 0},
    {"make a symbolic link", symlink_it, 0, 0},
    {"make a directory in the node", make_directory, 0, 0},
    {"make a pipe with a name", make_fifo, 0, 0},
    {"truncate by a path", truncate_other, 0, 0},
    {"change a mode", change_mode, 0, 0},
    {"change an open one", change_open_mode, BIT(DRAIN), 0},
    {"make a file setuid", make_setuid, 0, 0},
    {"make one that is born setuid", born_setuid, 0, 0},
    {"or setgid, without a name", born_setgid, 0, 0},
    {"or setuid, by openat2", born_setuid_anew, 0, 0},
    {"empty the log", empty_log, 0, 0},
    {"seek in the log", rewind_log, 0, 0},
    {"write over the log", rewrite_log, 0, 0},
    {"change the log's flags", change_log, 0, 0},
    {"double the log's descriptor", double_log, 0, 0},
    {"change an owner", change_owner, 0, 0},
    {"change times", change_times, 0, 0},
    {"chroot", change_root, 0, 0},
    {"mount", mount_it, 0, 0},
    {"watch /etc", watch_it, 0, 0},
    {"connect by TCP", connect_tcp, NETWORK, 0},
    {"send by UDP", send_udp, NETWORK, 0},
    {"listen by TCP", listen_tcp, 0, 0},
    {"bind a port", bind_port, 0, 4},
    {"raw socket", raw_socket, 0, 0},
    {"packet socket", packet_socket, 0, 0},
    {"netlink socket", netlink_socket, 0, 0},
    {"deafen what listens", deafen, 0, 0},
    {"let it hear few", far_only, 0, 0},
    {"let it listen no more", listen_no_more, 0, 0},
    {"set some option", odd_option, 0, 0},
    {"unix datagrams", local_datagrams, 0, 0},
    {"abstract unix socket", abstract_socket, 0, 6},
    {"execute /bin/true", execute, 0, 0},
    {"execute from memory", execute_memory, 0, 0},
    {"fork", fork_it, BIT(DRAIN), 0},
    {"fork into a user namespace", fork_apart, 0, 0},
    {"fork and share descriptors", fork_sharing, 0, 0},
    {"the calls of i386", old_calls, 0, 0},
    {"those of x32", x32_calls, 0, 0},
    {"make a thread", make_thread, BIT(QUEUE) | BIT(MAILDIR), 0},
    {"trace a process", trace, 0, 0},
    {"read its memory", read_memory, 0, 0},
    {"signal it", kill_other, 0, 0},
    {"signal its thread", signal_thread, 0, 0},
    {"signal it by a descriptor", signal_by_descriptor, 0, 0},
    {"hold it by a descriptor", open_process, 0, 0},
    {"change its limits", limit_other, 0, 0},
    {"setuid", change_user, 0, 0},
    {"setgroups", change_groups, 0, 0},
    {"new mount namespace", new_namespace, 0, 0},
    {"new user namespace", new_user_namespace, 0, 0},
    {"make memory executable", change_memory, 0, 0},
    {"map executable memory", map_code, 0, 0},
    {"prctl(PR_SET_DUMPABLE)", dumpable, 0, 0},
    {"io_uring", ring, 0, 0},
    {"userfaultfd", faults, 0, 0},
    {"bpf", programs, 0, 0},
    {"keyctl", keys, 0, 0},
    {"perf_event_open", counters, 0, 0},
    {"shared memory", shared_memory, 0, 0},
    {"change where it runs", scheduling, 0, 0},
    {"sethostname", host_name, 0, 0},
};

const unsigned n_sandbox_tries = sizeof sandbox_tries / sizeof *sandbox_tries;
