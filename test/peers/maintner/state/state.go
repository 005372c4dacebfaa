// Package state has what both commands need: a mutation from hex, and what maintner knows after a replay, as JSON.
package state

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"sort"
	"strconv"
	"time"

	"golang.org/x/build/maintner"
	"golang.org/x/build/maintner/maintpb"
	"google.golang.org/protobuf/proto"
)

type object = map[string]any

// Mutation is the one whose protobuf bytes are text, in hex.
func Mutation(text string) (*maintpb.Mutation, error) {
	payload, err := hex.DecodeString(text)
	if err != nil {
		return nil, err
	}
	mutation := new(maintpb.Mutation)
	return mutation, proto.Unmarshal(payload, mutation)
}

// Print writes every repository, in order, as one JSON array.
func Print(to io.Writer, corpus *maintner.Corpus) error {
	repos := []object{}
	if corpus.GitHub() == nil {
		return json.NewEncoder(to).Encode(repos)
	}
	err := corpus.GitHub().ForeachRepo(func(repo *maintner.GitHubRepo) error {
		repos = append(repos, repoOf(repo))
		return nil
	})
	if err != nil {
		return err
	}
	sort.Slice(repos, func(i, j int) bool { return repos[i]["repo"].(string) < repos[j]["repo"].(string) })
	return json.NewEncoder(to).Encode(repos)
}

func repoOf(repo *maintner.GitHubRepo) object {
	labels, milestones, issues := []object{}, []object{}, []object{}
	repo.ForeachLabel(func(l *maintner.GitHubLabel) error {
		labels = append(labels, object{"id": id(l.ID), "name": l.Name})
		return nil
	})
	repo.ForeachMilestone(func(m *maintner.GitHubMilestone) error {
		milestones = append(milestones, object{"id": id(m.ID), "title": m.Title, "number": m.Number, "closed": m.Closed})
		return nil
	})
	repo.ForeachIssue(func(issue *maintner.GitHubIssue) error {
		issues = append(issues, issueOf(issue))
		return nil
	})
	byID(labels)
	byID(milestones)
	return object{"repo": repo.ID().String(), "labels": labels, "milestones": milestones, "issues": issues}
}

func issueOf(issue *maintner.GitHubIssue) object {
	if issue.NotExist {
		return object{"number": issue.Number, "notExist": true}
	}
	labels, assignees := []object{}, []string{}
	for _, label := range issue.Labels {
		labels = append(labels, object{"id": id(label.ID), "name": label.Name})
	}
	byID(labels)
	for _, user := range issue.Assignees {
		assignees = append(assignees, userOf(user))
	}
	sort.Strings(assignees)
	said := object{
		"number": issue.Number, "id": id(issue.ID), "notExist": false, "closed": issue.Closed, "locked": issue.Locked,
		"pullRequest": issue.PullRequest, "user": userOf(issue.User), "assignees": assignees, "created": timeOf(issue.Created),
		"updated": timeOf(issue.Updated), "closedAt": timeOf(issue.ClosedAt), "closedBy": userOf(issue.ClosedBy),
		"title": issue.Title, "body": issue.Body, "milestone": milestoneOf(issue.Milestone), "labels": labels,
	}
	comments, events, reviews := []object{}, []object{}, []object{}
	issue.ForeachComment(func(c *maintner.GitHubComment) error {
		comments = append(comments, object{
			"id": id(c.ID), "user": userOf(c.User), "body": c.Body, "created": timeOf(c.Created), "updated": timeOf(c.Updated),
		})
		return nil
	})
	issue.ForeachEvent(func(e *maintner.GitHubIssueEvent) error {
		events = append(events, eventOf(e))
		return nil
	})
	issue.ForeachReview(func(r *maintner.GitHubReview) error {
		reviews = append(reviews, object{
			"id": id(r.ID), "actor": userOf(r.Actor), "body": r.Body, "state": r.State, "commitId": r.CommitID,
			"association": r.ActorAssociation, "created": timeOf(r.Created), "otherJson": r.OtherJSON,
		})
		return nil
	})
	byID(comments)
	byID(events)
	byID(reviews)
	said["comments"], said["events"], said["reviews"] = comments, events, reviews
	return said
}

func eventOf(e *maintner.GitHubIssueEvent) object {
	said := object{
		"id": id(e.ID), "type": e.Type, "created": timeOf(e.Created), "actor": userOf(e.Actor), "label": e.Label,
		"assignee": userOf(e.Assignee), "assigner": userOf(e.Assigner), "milestone": e.Milestone, "from": e.From, "to": e.To,
		"commit": e.CommitID, "commitUrl": e.CommitURL, "reviewer": userOf(e.Reviewer),
		"requester": userOf(e.ReviewRequester), "otherJson": e.OtherJSON, "team": "", "dismissed": "",
	}
	if e.TeamReviewer != nil {
		said["team"] = id(e.TeamReviewer.ID) + "/" + e.TeamReviewer.Slug
	}
	if d := e.DismissedReview; d != nil {
		said["dismissed"] = id(d.ReviewID) + "/" + d.State + "/" + d.DismissalMessage
	}
	return said
}

func milestoneOf(m *maintner.GitHubMilestone) string {
	switch {
	case m == nil:
		return ""
	case m.IsNone():
		return "none"
	}
	return id(m.ID)
}

// A user as `id/login`; the empty string where there is none.
func userOf(user *maintner.GitHubUser) string {
	if user == nil {
		return ""
	}
	return id(user.ID) + "/" + user.Login
}

// Seconds since the epoch; the empty string for a time that was never set.
func timeOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// Ids are strings: JSON's numbers do not hold 64 bits everywhere.
func id(number int64) string { return strconv.FormatInt(number, 10) }

func byID(list []object) {
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(list[i]["id"].(string), 10, 64)
		return n
	}
	sort.Slice(list, func(i, j int) bool { return number(i) < number(j) })
}
