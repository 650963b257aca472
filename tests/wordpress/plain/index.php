<?php
// A theme that shows posts with the form for comments, and nothing else.
wp_head();
while ( have_posts() ) {
	the_post();
	the_content();
	comment_form();
}
wp_footer();
