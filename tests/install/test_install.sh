#!/usr/bin/env bash
# Installs the build under test into a folder of its own, moves that folder (nothing may remember where it was),
# and builds and runs consumers against it: in C++ and C, with find_package and with pkg-config.
set -euo pipefail
: "${BERTH_BUILD_DIR:?the build folder}" "${BERTH_SOURCE_DIR:?the source folder}"
CMAKE=${CMAKE:-cmake} CC=${CC:-cc} CXX=${CXX:-c++}
here=$BERTH_SOURCE_DIR/tests/install

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
step() { echo "== $*"; }

step "install and move"
"$CMAKE" --install "$BERTH_BUILD_DIR" --prefix "$work/first" >"$work/install.log" || { cat "$work/install.log"; fail "cmake --install"; }
mv "$work/first" "$work/prefix"
prefix=$work/prefix
if grep -rlIF -e "$BERTH_SOURCE_DIR/" -e "$BERTH_BUILD_DIR/" "$prefix/include" "$prefix"/lib*; then
    fail "the files above name the folder they were built in"
fi
find "$prefix" -path '*doc/berth/LICENSE' | grep -q . || fail "no licence was installed"
if [ -x "$BERTH_BUILD_DIR/bin/berth" ]; then
    "$prefix/bin/berth" --help >/dev/null || fail "the installed tool does not run"
    for page in "$BERTH_SOURCE_DIR"/apps/man/*.[1-8]; do
        [ -e "$page" ] || continue
        [ -f "$prefix/share/man/man${page##*.}/${page##*/}" ] || fail "man page ${page##*/} was not installed"
    done
    for completion in berth.bash:bash-completion/completions/berth _berth:zsh/site-functions/_berth \
                      berth.fish:fish/vendor_completions.d/berth.fish; do
        [ -f "$BERTH_SOURCE_DIR/apps/completions/${completion%%:*}" ] || continue
        [ -f "$prefix/share/${completion#*:}" ] || fail "the completion ${completion%%:*} was not installed"
    done
fi

for language in CXX C; do
    case $language in CXX) source=consumer.cpp compiler=$CXX standard=-std=c++20 ;;
                      C) source=consumer.c compiler=$CC standard=-std=c11 ;; esac
    step "$source with find_package"
    project=$work/cmake-$language
    mkdir "$project"
    cp "$here/CMakeLists.consumer.txt" "$project/CMakeLists.txt"
    "$CMAKE" -S "$project" -B "$project/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
        -DCONSUMER_LANGUAGE=$language -DCONSUMER_SOURCE="$here/$source" \
        -DCMAKE_${language}_COMPILER="$compiler" >"$project/log" 2>&1 || { cat "$project/log"; fail "configure"; }
    "$CMAKE" --build "$project/build" >"$project/log" 2>&1 || { cat "$project/log"; fail "build"; }
    "$project/build/consumer"

    step "$source with pkg-config"
    flags=$(PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name berth.pc)") pkg-config --cflags --libs berth)
    # shellcheck disable=SC2086  # the flags are words
    "$compiler" $standard -Wall -Wextra -Wpedantic -Werror "$here/$source" -o "$work/consumer-$language" $flags
    "$work/consumer-$language"
done
echo "installed, moved, and used from C++ and C with find_package and pkg-config"
