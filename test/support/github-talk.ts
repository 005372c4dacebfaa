import { event, found, type Place, touched } from './github-place.ts';
import { newId, nowS, userNamed } from './github-world.ts';

/** Comments and reviews. */
export function talkDeeds(at: Place) {
  const { world, repo } = at;
  return {
    comment: (issue: number, body: string, login = 'talker') => {
      touched(at, issue);
      const id = newId(world);
      const now = nowS(world);
      repo.comments.set(id, { id, issue, user: userNamed(world, login), body, createdS: now, updatedS: now });
      return id;
    },
    editComment: (id: number, body: string) => {
      const comment = found(repo.comments, id);
      touched(at, comment.issue);
      Object.assign(comment, { body, updatedS: nowS(world) });
    },
    deleteComment: (id: number) => {
      touched(at, found(repo.comments, id).issue);
      repo.comments.delete(id);
    },
  };
}

export function reviewDeeds(at: Place) {
  const { world, repo } = at;
  return {
    review: (issue: number, state: string, body = '') => {
      touched(at, issue);
      const id = newId(world);
      const user = userNamed(world, 'reviewer');
      const commitId = 'a'.repeat(40);
      const submittedS = nowS(world);
      repo.reviews.set(id, { id, issue, user, body, state, submittedS, commitId, association: 'MEMBER' });
      return id;
    },
    dismiss: (id: number) => {
      const review = found(repo.reviews, id);
      touched(at, review.issue);
      const dismissed_review = {
        state: review.state.toLowerCase(),
        review_id: id,
        dismissal_message: 'stale',
      };
      event(at, review.issue, 'review_dismissed', { dismissed_review });
      review.state = 'DISMISSED';
    },
    reviewComment: (issue: number, review: number, body: string) => {
      touched(at, issue);
      const id = newId(world);
      const now = nowS(world);
      const user = userNamed(world, 'reviewer');
      const place = { path: 'a/b.ts', line: 7, commitId: 'a'.repeat(40) };
      repo.reviewComments.set(id, { id, issue, review, user, body, createdS: now, updatedS: now, ...place });
      return id;
    },
    editReviewComment: (id: number, body: string) => {
      const comment = found(repo.reviewComments, id);
      touched(at, comment.issue);
      Object.assign(comment, { body, updatedS: nowS(world) });
    },
    deleteReviewComment: (id: number) => {
      touched(at, found(repo.reviewComments, id).issue);
      repo.reviewComments.delete(id);
    },
  };
}
