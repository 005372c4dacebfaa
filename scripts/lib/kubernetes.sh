#!/usr/bin/env bash
# Of scripts/emulators: a kube-apiserver with an etcd, for walks by hand (tests start their own). Takes from it: say, cache.
# shellcheck disable=SC2154

readonly kubernetes_port="${SAMOVAR_KUBERNETES_PORT:-6443}"
readonly kubernetes_run="$cache/run/kubernetes"
readonly kubeconfig="$kubernetes_run/kubeconfig"

# Whose process it is, by a folder in its arguments: a number may have been given to another process since.
kubernetes_pid() {
  local pid
  pid="$(cat "$kubernetes_run/$1.pid" 2> /dev/null || true)"
  if [ -n "$pid" ] && ps -p "$pid" -o args= 2> /dev/null | grep -qF "$kubernetes_run/"; then echo "$pid"; fi
}

# Empty, with one user who may do everything. Nothing runs beside it: what needs a node (a pod that starts) does not happen.
start_kubernetes() {
  local apiserver="$1" etcd token pid
  pid="$(kubernetes_pid kube-apiserver)"
  if [ -n "$pid" ]; then
    say "kubernetes runs already: process $pid; export KUBECONFIG=$kubeconfig"
    return
  fi
  stop_kubernetes quietly
  etcd="$(dirname "$apiserver")/etcd"
  [ -x "$etcd" ] || etcd="$(command -v etcd)"
  rm -rf "$kubernetes_run"
  (umask 077 && mkdir -p "$kubernetes_run" && openssl genrsa -out "$kubernetes_run/accounts.key" 2048 2> /dev/null)
  token="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
  (umask 077 && echo "$token,admin,admin,\"system:masters\"" > "$kubernetes_run/tokens.csv")
  in_background etcd "$etcd" --data-dir="$kubernetes_run/etcd" --listen-client-urls="$(etcd_url 1)" \
    --advertise-client-urls="$(etcd_url 1)" --listen-peer-urls="$(etcd_url 2)" --logger=zap
  # It makes its own certificate. Nobody would make the default account of a namespace.
  in_background kube-apiserver "$apiserver" --etcd-servers="$(etcd_url 1)" --cert-dir="$kubernetes_run/certs" \
    --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$kubernetes_port" \
    --service-cluster-ip-range=10.0.0.0/16 --endpoint-reconciler-type=none --disable-admission-plugins=ServiceAccount \
    --authorization-mode=RBAC --token-auth-file="$kubernetes_run/tokens.csv" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$kubernetes_run/accounts.key" \
    --service-account-signing-key-file="$kubernetes_run/accounts.key"
  await_kubernetes "$token"
  write_kubeconfig "$token"
  say "kubernetes listens on https://127.0.0.1:$kubernetes_port (process $(kubernetes_pid kube-apiserver))"
  say "export KUBECONFIG=$kubeconfig"
}

etcd_url() { echo "http://127.0.0.1:$((kubernetes_port + $1))"; }

in_background() {
  local name="$1"
  shift
  (cd "$kubernetes_run" && exec nohup "$@") > "$kubernetes_run/$name.log" 2>&1 < /dev/null &
  echo $! > "$kubernetes_run/$name.pid"
}

await_kubernetes() {
  local name
  for _ in $(seq 600); do
    for name in etcd kube-apiserver; do
      if ! kill -0 "$(cat "$kubernetes_run/$name.pid")" 2> /dev/null; then
        say "$name ended at once; the end of $kubernetes_run/$name.log:"
        tail -n 5 "$kubernetes_run/$name.log" >&2
        stop_kubernetes quietly
        exit 1
      fi
    done
    if curl --silent --fail --max-time 5 --output /dev/null --cacert "$kubernetes_run/certs/apiserver.crt" \
      --config - "https://127.0.0.1:$kubernetes_port/readyz" <<< "header = \"authorization: Bearer $1\""; then
      return
    fi
    sleep 0.2
  done
  say "kubernetes is not ready after 2 minutes; its log: $kubernetes_run/kube-apiserver.log"
  stop_kubernetes quietly
  exit 1
}

write_kubeconfig() {
  local authority
  authority="$(base64 < "$kubernetes_run/certs/apiserver.crt" | tr -d '\n')"
  (umask 077 && cat > "$kubeconfig") <<YAML
apiVersion: v1
kind: Config
clusters:
  - name: samovar
    cluster: { server: "https://127.0.0.1:$kubernetes_port", certificate-authority-data: "$authority" }
users:
  - name: admin
    user: { token: "$1" }
contexts:
  - name: samovar
    context: { cluster: samovar, user: admin, namespace: default }
current-context: samovar
YAML
}

stop_kubernetes() {
  local name pid ended=
  for name in kube-apiserver etcd; do
    pid="$(kubernetes_pid "$name")"
    [ -n "$pid" ] || continue
    kill "$pid"
    # What begins anew on the same port or folder must find it free.
    for _ in $(seq 100); do
      kill -0 "$pid" 2> /dev/null || break
      sleep 0.1
    done
    kill -9 "$pid" 2> /dev/null || true
    ended="$ended $pid"
  done
  rm -f "$kubernetes_run"/*.pid "$kubeconfig"
  [ "${1:-}" = quietly ] || say "kubernetes $([ -n "$ended" ] && echo "ended (processes$ended)" || echo "does not run")"
}
