<?php
// What the tests ask of WordPress from the command line: php site.php install URL KEY | comments | filter URL BODY
define( 'WP_INSTALLING', 'install' === $argv[1] );
$_SERVER['HTTP_HOST'] = '127.0.0.1';
require __DIR__ . '/wp-load.php';

if ( 'install' === $argv[1] ) {
	require ABSPATH . 'wp-admin/includes/upgrade.php';
	require_once ABSPATH . 'wp-admin/includes/plugin.php';
	wp_install( 'A blog', 'admin', 'admin@blog.example', true, '', 'a password of the tests' );
	update_option( 'siteurl', $argv[2] );
	update_option( 'home', $argv[2] );
	update_option( 'comment_previously_approved', 0 );
	update_option( 'active_plugins', array( 'akismet/akismet.php' ) );
	switch_theme( 'plain' );
	wp_delete_comment( 1, true );
} elseif ( 'comments' === $argv[1] ) {
	$found = array();
	foreach ( get_comments( array( 'status' => array( 'approve', 'hold', 'spam', 'trash' ), 'order' => 'ASC' ) ) as $comment ) {
		$found[ $comment->comment_author ] = array( (int) $comment->comment_ID, wp_get_comment_status( $comment ) );
	}
	echo json_encode( $found );
} elseif ( 'filter' === $argv[1] ) {
	$args = array( 'method' => 'POST', 'body' => $argv[3], 'timeout' => 30, 'headers' => array( 'Host' => 'rest.akismet.com' ) );
	$got  = apply_filters( 'pre_http_request', false, $args, $argv[2] );
	echo json_encode( is_array( $got ) ? array( $got['response']['code'], $got['body'] ) : $got );
} elseif ( 'option' === $argv[1] ) {
	echo json_encode( get_option( $argv[2] ) );
}
