# SPDX-License-Identifier: Apache-2.0

# SPOOLD_TRY_FLAG(VARIABLE, FLAG): append FLAG if the compiler takes it.
AC_DEFUN([SPOOLD_TRY_FLAG], [
	AS_VAR_PUSHDEF([cache], [spoold_cv_flag_$2])
	AC_CACHE_CHECK([whether $CC takes $2], [cache], [
		save_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $2"
		AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])],
			[AS_VAR_SET([cache], [no])])
		CFLAGS=$save_CFLAGS
	])
	AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
	AS_VAR_POPDEF([cache])
])

AC_DEFUN([SPOOLD_WARNINGS], [
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror],
		[warnings are errors (CI uses this)])], [], [enable_werror=no])
	WARN_CFLAGS=
	m4_foreach_w([flag], [-Wall -Wextra -Wpedantic -Wshadow -Wconversion
		-Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
		-Wimplicit-fallthrough -Wundef -Wpointer-arith],
		[SPOOLD_TRY_FLAG([WARN_CFLAGS], flag)])
	AS_IF([test "$enable_werror" = yes],
		[WARN_CFLAGS="$WARN_CFLAGS -Werror"])
	AC_SUBST([WARN_CFLAGS])
])

AC_DEFUN([SPOOLD_HARDENING], [
	HARDEN_CFLAGS= HARDEN_LDFLAGS=
	m4_foreach_w([flag], [-fstack-protector-strong
		-fstack-clash-protection -fcf-protection=full
		-ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr
		-fno-strict-aliasing -fno-delete-null-pointer-checks
		-fno-strict-overflow -fPIE],
		[SPOOLD_TRY_FLAG([HARDEN_CFLAGS], flag)])
	m4_foreach([flag], [[-pie], [-Wl,-z,relro], [-Wl,-z,now],
		[-Wl,-z,noexecstack], [-Wl,-z,separate-code],
		[-Wl,--as-needed]],
		[SPOOLD_TRY_FLAG([HARDEN_LDFLAGS], m4_defn([flag]))])
	AC_SUBST([HARDEN_CFLAGS])
	AC_SUBST([HARDEN_LDFLAGS])
])

AC_DEFUN([SPOOLD_SANITIZER], [
	AC_ARG_WITH([sanitizer], [AS_HELP_STRING([--with-sanitizer=LIST],
		[address,undefined or thread])], [], [with_sanitizer=no])
	SAN_CFLAGS=
	AS_IF([test "$with_sanitizer" != no], [
		SAN_CFLAGS="-fsanitize=$with_sanitizer -fno-omit-frame-pointer -fno-sanitize-recover=all"
		AC_DEFINE([WITH_SANITIZER], [1], [Built with a sanitizer.])
	], [
		SAN_CFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
	])
	AC_SUBST([SAN_CFLAGS])
	AM_CONDITIONAL([SANITIZER], [test "$with_sanitizer" != no])
])

AC_DEFUN([SPOOLD_SYSTEM_TESTS], [
	AC_ARG_ENABLE([system-tests], [AS_HELP_STRING([--disable-system-tests],
		[leave the system tests out of make check])], [],
		[enable_system_tests=yes])
	AM_CONDITIONAL([SYSTEM], [test "$enable_system_tests" != no])
])

AC_DEFUN([SPOOLD_FUZZER], [
	AC_ARG_WITH([fuzzer], [AS_HELP_STRING([--with-fuzzer],
		[link the fuzz targets with libFuzzer (clang)])], [],
		[with_fuzzer=no])
	FUZZ_CFLAGS= FUZZ_LDFLAGS=
	AS_IF([test "$with_fuzzer" != no], [
		FUZZ_CFLAGS="-fsanitize=fuzzer-no-link -DWITH_FUZZER=1"
		FUZZ_LDFLAGS="-fsanitize=fuzzer"
	])
	AC_SUBST([FUZZ_CFLAGS])
	AC_SUBST([FUZZ_LDFLAGS])
	AM_CONDITIONAL([FUZZER], [test "$with_fuzzer" != no])
])

AC_DEFUN([SPOOLD_FAILPOINTS], [
	AC_ARG_ENABLE([failpoints], [AS_HELP_STRING([--enable-failpoints],
		[named fail points for the crash tests; never in a release])],
		[], [enable_failpoints=no])
	AC_ARG_WITH([mutant], [AS_HELP_STRING([--with-mutant=NAME],
		[break one rule on purpose, to see the crash tests fail])],
		[], [with_mutant=no])
	AS_IF([test "$enable_failpoints" = yes],
		[AC_DEFINE([WITH_FAILPOINTS], [1], [Fail points are compiled in.])])
	MUTANT_CPPFLAGS=
	AS_IF([test "$with_mutant" != no],
		[MUTANT_CPPFLAGS="-DMUTANT_$(echo "$with_mutant" | tr 'a-z-' 'A-Z_')=1"])
	AC_SUBST([MUTANT_CPPFLAGS])
	AM_CONDITIONAL([FAILPOINTS], [test "$enable_failpoints" = yes])
])
