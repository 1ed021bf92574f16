# shellcheck shell=bash
# What each job needs from the distribution, and how it gets there. Sourced after common.sh.
#
#   install_packages build         to compile and run lamina
#   install_packages build test    and to run every test
#
# Nothing is downloaded, and the network is not touched, when everything is there already.

# Debian names one Boost per release; Ubuntu's default is new enough.
boost_package() {
  case $1 in
    debian-12) echo libboost1.81-dev ;;
    *) echo libboost-dev ;;
  esac
}

packages_of() {
  local distribution=$1 job=$2
  case $job in
    build)
      echo clang-19 lld-19 cmake ninja-build ccache
      boost_package "$distribution"
      echo nlohmann-json3-dev libfmt-dev libcli11-dev
      echo libarchive-dev libdeflate-dev libisal-dev zlib1g-dev libzstd-dev nettle-dev libelf-dev
      ;;
    # newuidmap and newgidmap let an ordinary user give the function an id of its own.
    run)
      echo uidmap python3
      has_program node || echo nodejs
      ;;
    test)
      echo g++ doctest-dev libclang-rt-19-dev llvm-19 clang-format-19 shellcheck
      echo python3-boto3 python3-numpy bubblewrap zstd
      # Looks at the page of `coldstart --html`. Ubuntu has it as a snap only; its test skips there.
      case $distribution in debian-*) echo chromium chromium-driver ;; esac
      # One sample takes packages of the npm registry, once.
      has_program npm || echo npm ca-certificates
      ;;
  esac
}

# A node from elsewhere (nodesource, nvm, a tarball) serves as well as the distribution's.
has_program() { command -v "$1" >/dev/null 2>&1; }

distribution_of_host() {
  local id='' version=''
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091
    id=$(. /etc/os-release && echo "${ID:-}")
    # shellcheck disable=SC1091
    version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  fi
  echo "$id-$version"
}

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

install_packages() {
  local distribution job package
  local -a wanted=() missing=()
  distribution=$(distribution_of_host)
  for job in "$@"; do
    # shellcheck disable=SC2207
    wanted+=($(packages_of "$distribution" "$job"))
  done

  if [ -n "${LAMINA_SKIP_PACKAGES:-}" ]; then
    note "packages: not looked at, because LAMINA_SKIP_PACKAGES is set"
    return
  fi
  case $distribution in
    debian-12 | ubuntu-24.04) ;;
    *)
      say "This script knows the package names of Debian 12 and Ubuntu 24.04; this is ${distribution}." >&2
      say "Please install what these packages hold there:" >&2
      printf '%s\n' "${wanted[@]}" | fold_words '    ' >&2
      die "packages: unknown distribution. When they are installed, run again with LAMINA_SKIP_PACKAGES=1."
      ;;
  esac

  for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then
    note "packages: all ${#wanted[@]} are installed"
    return
  fi
  say "packages: ${#missing[@]} are missing and will be installed with apt-get:"
  printf '%s\n' "${missing[@]}" | fold_words '    '
  quietly 'apt-get update' build/logs/apt-update.log as_root apt-get update ||
    die "packages: the package lists could not be fetched. Is the network up?"
  quietly 'apt-get install' build/logs/apt-install.log \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
    "${missing[@]}" ||
    die "packages: apt-get could not install them. $(remedy_for "$distribution")"
}

remedy_for() {
  case $1 in
    ubuntu-*) echo "On Ubuntu the universe component must be on: add-apt-repository universe." ;;
    *) echo "The whole log is in build/logs/apt-install.log." ;;
  esac
}

# Words of standard input, wrapped and indented by $1.
fold_words() { tr '\n' ' ' | fold -s -w 90 | sed "s/^/$1/;s/ *\$//"; echo; }
