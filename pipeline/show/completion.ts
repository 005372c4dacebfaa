/** `samovar --complete SHELL WORD...` answers with a candidate a line, `WORD<tab>about`; the last word is the one at the cursor. */
const BASH = `# samovar: completion for bash. Put it into ~/.local/share/bash-completion/completions/samovar,
# or: source <(samovar completion bash)
_samovar() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  local -a words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  # bash takes --flag=value apart: the candidates are for what stands after the sign.
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    [[ $line == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done < <("\${COMP_WORDS[0]}" --complete bash "\${words[@]}" 2>/dev/null)
}
complete -o default -o bashdefault -F _samovar samovar
`;

const ZSH = `#compdef samovar
# samovar: completion for zsh. Put it into a folder of $fpath as _samovar, or: source <(samovar completion zsh)
_samovar() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" --complete zsh "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then
    _describe 'samovar' found
  else
    _files
  fi
}
if [[ \${zsh_eval_context[-1]} == loadautofunc ]]; then
  _samovar "$@"
else
  compdef _samovar samovar
fi
`;

const FISH = `# samovar: completion for fish. Put it into ~/.config/fish/completions/samovar.fish, or: samovar completion fish | source
function __samovar_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l found (command $words[1] --complete fish $words[2..-1] 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c samovar -e
complete -c samovar -f -a '(__samovar_complete)'
`;

/** Small scripts that ask the command itself: what they complete is never older than what is installed. */
export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
