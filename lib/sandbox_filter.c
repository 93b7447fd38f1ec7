/* sandbox_filter.c - the program that the kernel runs at each call
 *
 * Straight down the list: each call is two words, "is it this one? return".
 * The kernel (5.11) remembers which calls are always allowed, and does not run
 * it for those. It is the classic BPF of seccomp(2).
 */
#include "lib/die.h"
#include "lib/sandbox_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOAD = 0x20,
	SKIP = 0x05,
	IF_EQUAL = 0x15,
	IF_ANY_BIT = 0x45,
	AND = 0x54,
	END = 0x06
};
enum { AT_LEAST = 0x35 };

/* Where in struct seccomp_data; of an argument its low half, all being
 * numbers of 32 bits. */
enum { NUMBER_AT = 0, MACHINE_AT = 4, ARGUMENTS_AT = 16 };

#define ALLOW	      0x7fff0000u
#define REFUSE(error) (0x00050000u | (error))
#define KILL_PROCESS  0x80000000u

#ifdef SANDBOX_MACHINE

static void
op(struct sandbox_program *p, uint16_t code, uint32_t k, uint8_t yes,
   uint8_t no)
{
	if (p->n == SANDBOX_OPS_MAX)
		die_bug("the list of calls has grown over its room");
	p->ops[p->n++] =
	    (struct sandbox_op){.code = code, .yes = yes, .no = no, .k = k};
}

static void
end(struct sandbox_program *p, uint32_t how)
{
	op(p, END, how, 0, 0);
}

static void
load_argument(struct sandbox_program *p, unsigned n)
{
	op(p, LOAD, ARGUMENTS_AT + 8 * n, 0, 0);
}

/* What is loaded is one of two: else it is refused here. */
static void
must_be(struct sandbox_program *p, uint32_t one, uint32_t other)
{
	op(p, IF_EQUAL, one, 2, 0);
	op(p, IF_EQUAL, other, 1, 0);
	end(p, REFUSE(EPERM));
}

static void
must_lack(struct sandbox_program *p, uint32_t bits)
{
	op(p, IF_ANY_BIT, bits, 0, 1);
	end(p, REFUSE(EPERM));
}

/* The type without SOCK_CLOEXEC and SOCK_NONBLOCK. */
static void
load_type(struct sandbox_program *p)
{
	load_argument(p, 1);
	op(p, AND, 0xf, 0, 0);
}

static void
local(struct sandbox_program *p)
{
	load_argument(p, 0);
	must_be(p, AF_UNIX, AF_UNIX);
	load_type(p);
	must_be(p, SOCK_STREAM, SOCK_STREAM);
}

enum { TCP = 6, UDP = 17 };

static void
network(struct sandbox_program *p)
{
	size_t at;

	load_argument(p, 0);
	at = p->n;
	op(p, IF_EQUAL, AF_UNIX, 0, 0);
	local(p);
	end(p, ALLOW);
	p->ops[at].no = (uint8_t)(p->n - at - 1);
	must_be(p, AF_INET, AF_INET6);
	load_type(p);
	must_be(p, SOCK_STREAM, SOCK_DGRAM);
	load_argument(p, 2);
	op(p, IF_EQUAL, 0, 3, 0);
	must_be(p, TCP, UDP);
}

/* A new file of no other rights than its maker's. */
static void
plain_open(struct sandbox_program *p, unsigned flags)
{
	load_argument(p, flags);
	op(p, IF_ANY_BIT, O_CREAT | (O_TMPFILE & ~O_DIRECTORY), 0, 3);
	load_argument(p, flags + 1);
	must_lack(p, S_ISUID | S_ISGID);
}

/* What listens is not ours alone: what is done to it stays, for all that have
 * it after us. */
static void
no_listener(struct sandbox_program *p, const struct sandbox_listeners *l)
{
	size_t i;

	load_argument(p, 0);
	for (i = 0; i < l->n; i++)
		op(p, IF_EQUAL, (uint32_t)l->fds[i], (uint8_t)(l->n - i), 0);
	op(p, SKIP, 1, 0, 0);
	end(p, REFUSE(EPERM));
}

/* The last three are a resolver's and of a pool's source address. */
static void
option(struct sandbox_program *p)
{
	static const struct {
		uint32_t level, name;
	} options[] = {
	    {SOL_SOCKET, SO_SNDBUF},	{SOL_SOCKET, SO_LINGER},
	    {IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
	    {IPPROTO_IP, IP_RECVERR},	{IPPROTO_IPV6, IPV6_RECVERR}};
	size_t i;

	for (i = 0; i < sizeof options / sizeof *options; i++) {
		load_argument(p, 1);
		op(p, IF_EQUAL, options[i].level, 0, 3);
		load_argument(p, 2);
		op(p, IF_EQUAL, options[i].name, 0, 1);
		end(p, ALLOW);
	}
	end(p, REFUSE(EPERM));
}

enum { CLONE_THREAD = 0x10000 }; /* needs shared memory and signals, too */

/* CLONE_NEW...; of cgroup, uts, ipc, user, pid, net; of mounts */
enum { NEW_NAMESPACES = 0x7e020000 };

/* Those flags that fork(3) of some libc gives. */
enum { FORK_FLAGS = 0x01200000 | 0xff };

static void
arguments(struct sandbox_program *p, enum sandbox_how how,
	  const struct sandbox_listeners *listeners)
{
	switch (how) {
	case SANDBOX_NO_CODE:
		load_argument(p, 2);
		must_lack(p, PROT_EXEC);
		break;
	case SANDBOX_OWN:
		load_argument(p, 0);
		must_be(p, (uint32_t)getpid(), 0);
		break;
	case SANDBOX_LOCAL: local(p); break;
	case SANDBOX_NETWORK: network(p); break;
	case SANDBOX_UNSENT:
		load_argument(p, 1);
		must_be(p, TIOCOUTQ, FIONREAD);
		break;
	case SANDBOX_FLAGS:
		load_argument(p, 1);
		op(p, AT_LEAST, F_SETFL, 1, 0);
		op(p, AT_LEAST, F_DUPFD + 1, 1, 0);
		end(p, REFUSE(EPERM));
		break;
	case SANDBOX_PLAIN_MODE:
		load_argument(p, 1);
		must_lack(p, S_ISUID | S_ISGID);
		break;
	case SANDBOX_PLAIN_OPEN: plain_open(p, 2); break;
	case SANDBOX_PLAIN_OPEN_OLD: plain_open(p, 1); break;
	case SANDBOX_NOT_THE_LOG:
		load_argument(p, 0);
		op(p, AT_LEAST, STDERR_FILENO + 1, 1, 0);
		end(p, REFUSE(EPERM));
		break;
	case SANDBOX_NO_LISTENER: no_listener(p, listeners); break;
	case SANDBOX_OPTION:
		no_listener(p, listeners);
		option(p);
		break;
	case SANDBOX_TO_KILL:
		load_argument(p, 1);
		must_be(p, SIGKILL, SIGKILL);
		break;
	case SANDBOX_FORK:
		load_argument(p, 0);
		must_lack(p, ~(uint32_t)FORK_FLAGS);
		break;
	case SANDBOX_THREAD:
		load_argument(p, 0);
		op(p, IF_ANY_BIT, CLONE_THREAD, 1, 0);
		end(p, REFUSE(EPERM));
		must_lack(p, NEW_NAMESPACES);
		break;
	case SANDBOX_ANY:
	case SANDBOX_NO_SUCH:
	case SANDBOX_DEADLY: break;
	}
}

static uint32_t
verdict(enum sandbox_how how)
{
	return how == SANDBOX_DEADLY	? KILL_PROCESS
	       : how == SANDBOX_NO_SUCH ? REFUSE(ENOSYS)
					: ALLOW;
}

static void
call(struct sandbox_program *p, const struct sandbox_call *c,
     const struct sandbox_listeners *listeners)
{
	size_t at = p->n;

	op(p, IF_EQUAL, c->number, 0, 0);
	arguments(p, c->how, listeners);
	end(p, verdict(c->how));
	p->ops[at].no = (uint8_t)(p->n - at - 1);
}

static void
machine(struct sandbox_program *p)
{
	op(p, LOAD, MACHINE_AT, 0, 0);
	op(p, IF_EQUAL, SANDBOX_MACHINE, 1, 0);
	end(p, KILL_PROCESS);
	op(p, LOAD, NUMBER_AT, 0, 0);
#ifdef __x86_64__ /* x32 has the same machine and other numbers */
	op(p, AT_LEAST, 0x40000000, 0, 1);
	end(p, KILL_PROCESS);
#endif
}

bool
sandbox_write(struct sandbox_program *p, enum sandbox_kind kind,
	      const struct sandbox_listeners *listeners, bool kills)
{
	const struct sandbox_call *list;
	size_t n, i;

	p->n = 0;
	machine(p);
	list = sandbox_list(&n);
	for (i = 0; i < n; i++)
		if (list[i].kinds & 1u << kind)
			call(p, &list[i], listeners);
	end(p, kills ? KILL_PROCESS : REFUSE(EPERM));
	return true;
}

#else

bool
sandbox_write(struct sandbox_program *p, enum sandbox_kind kind,
	      const struct sandbox_listeners *listeners, bool kills)
{
	(void)kind;
	(void)listeners;
	(void)kills;
	p->n = 0;
	return false;
}

#endif
